package session

import (
	"cmp"
	"context"
	"fmt"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/steps/step"
	"ipfabric/steps/vms"
)

// AddVM adds a VM, waits until the route reflectors have it, and prints it.
func (s *Session) AddVM(ctx context.Context, w vms.Wish, asJSON bool) error {
	defer s.progress.Begin("adding the VM")()
	request, err := vms.NewRequest(s.fabric, w)
	if err != nil {
		return err
	}
	defer s.Signals.change()()
	c := s.vms()
	vm, already, err := c.Add(ctx, request)
	if err != nil {
		return err
	}
	if already {
		s.Say.Note("VM %s is on %s already: nothing was changed", vm.Name, vm.Node)
	}
	var seen []vms.Seen
	if vm.Announced {
		seen, err = c.AwaitSeen(ctx, vm)
	}
	if err != nil {
		err = &vms.Error{Msg: fmt.Sprintf("VM %s was added; whether the route reflectors have heard of it was not waited for", vm.Name), Err: err,
			Next: "`ipfabric vm show " + vm.Name + "` says"}
	}
	if asJSON {
		if badOut := s.Say.ResultJSON(vm); badOut != nil {
			return badOut
		}
	} else {
		s.Say.Result(fmt.Sprintf("%s on %s: %s\n", s.Say.OnOut(ui.Bold, vm.Name), vm.Node, vmSummary(vm)))
	}
	if err != nil {
		return err
	}
	return s.sayAnnounced(vm, seen)
}

// vmSummary is what a VM has, in one line.
func vmSummary(vm vms.VM) string {
	if vm.FileError != "" {
		return vm.FileError
	}
	text := ""
	for _, a := range vm.Addrs() {
		text += a.String() + ", "
	}
	return text + "interface " + vm.Interface
}

// sayAnnounced says who knows of a VM, and it is an error if not all do though
// its node announces it.
func (s *Session) sayAnnounced(vm vms.VM, seen []vms.Seen) error {
	if vm.Problem != "" {
		return ui.WithHint(fmt.Errorf("VM %s is not as it should be on %s: %s", vm.Name, vm.Node, vm.Problem),
			"the agent goes on trying; `ipfabric vm show "+vm.Name+"` looks again")
	}
	s.sayMissing(vm)
	if !vm.Announced {
		return nil
	}
	var yes, no, unknown []string
	for _, x := range seen {
		switch x.Status {
		case vms.SeenYes:
			yes = append(yes, x.RR)
		case vms.SeenUnknown:
			unknown = append(unknown, x.RR)
		default:
			no = append(no, x.RR)
		}
	}
	if len(yes) > 0 {
		s.Say.Note("announced: %s a route to it", step.Have(yes))
	}
	switch {
	case len(no) > 0 && vm.GuestMissing() != "":
		s.Say.Note("%s no route to it yet: some releases of FRR announce a VM only when a guest is attached", step.Have(no))
	case len(no) > 0:
		return ui.WithHint(fmt.Errorf("%s announces VM %s, but after 10s %s no route to it", vm.Node, vm.Name, step.Have(no)),
			"`ipfabric verify` looks at the sessions between them")
	case len(unknown) > 0:
		return &ui.CodedError{Code: ui.ExitHosts, Err: ui.WithHint(
			fmt.Errorf("%s announces VM %s; whether %s a route to it is not known, for lack of an answer", vm.Node, vm.Name, step.Have(unknown)),
			"`ipfabric verify` says what is wrong there")}
	}
	return nil
}

// sayMissing says what a VM lacks for packets to reach its guest.
func (s *Session) sayMissing(vm vms.VM) {
	if !vm.Announced {
		s.Say.Note("not announced yet: %s", cmp.Or(vm.Hindrance(), "the agent is at it"))
		return
	}
	if why := vm.GuestMissing(); why != "" {
		s.Say.Note("%s", why)
	}
}
