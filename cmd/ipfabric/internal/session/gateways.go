package session

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/inventory"
	"ipfabric/steps/gateway"
	"ipfabric/steps/run"
	"ipfabric/steps/step"
)

// gatewayDir is on the managed route reflectors: a file for each core gateway with the configuration
// that was shown for it last, without the BGP password, which no such text has.
const gatewayDir = "/var/lib/ipfabric/gateway"

// showGateways prints what the operator must put into the core gateways: the whole text the first
// time, and then what differs from the text that was shown last. It is about the reflectors: where
// none of them was changed, nothing is shown, and no host is asked.
func (s *Session) showGateways(ctx context.Context, result run.Result) error {
	reflector := slices.ContainsFunc(result, func(r run.HostResult) bool { return r.Changes > 0 && s.isReflector(r.Host) })
	if len(s.fabric.CoreGateways) == 0 || !reflector {
		return nil
	}
	before := s.shownBefore(ctx)
	now := map[string]shownText{}
	var same, whole []string
	text := ""
	for _, core := range s.fabric.CoreGateways {
		t, err := Snippets(s.fabric, []inventory.CoreGateway{core}, "")
		if err != nil {
			return err
		}
		last := before.last(core.Name)
		now[core.Name] = shownText{at: time.Now().UTC().Truncate(time.Second), text: t}
		if last.text == t {
			now[core.Name] = last
			same = append(same, core.Name)
			continue
		}
		diff := ui.RenderChange(step.Change{Item: core.Name, Have: last.text, Want: t}, ui.Everything, s.Say.OnOut)
		if last.text == "" || strings.Count(diff, "\n") >= strings.Count(t, "\n") { // another vendor's
			whole = append(whole, core.Name)
			text += t + "\n"
			continue
		}
		s.Say.Note("the configuration of %s differs from the one that was shown on %s; `ipfabric gateway %s` prints all of it",
			core.Name, last.at.Format("2006-01-02 15:04 UTC"), core.Name)
		s.Say.Result(diff + "\n")
	}
	if len(whole) > 0 {
		s.Say.Note("the configuration of %s follows; `ipfabric gateway` prints it again", step.AndList(whole))
		s.Say.Result(text)
	}
	if len(same) > 0 {
		password := ""
		if !s.fabric.BGP.Password.IsZero() {
			password = "; if the BGP password is a new one, it goes there as well"
		}
		s.Say.Note("the configuration of %s is the one that was shown before, and `ipfabric gateway` prints it again%s", step.AndList(same), password)
	}
	s.keepShown(ctx, before, now)
	return nil
}

// A shownText is a core gateway's configuration, and when it was shown.
type shownText struct {
	at   time.Time
	text string // "" if there is none
}

// String is its form in a file: the time on a line of its own, and the text.
func (t shownText) String() string { return "shown " + t.at.Format(time.RFC3339) + "\n" + t.text }

// parseShown reads that form. What it cannot read is no text.
func parseShown(data []byte) shownText {
	head, text, _ := strings.Cut(string(data), "\n")
	at, err := time.Parse(time.RFC3339, strings.TrimPrefix(head, "shown "))
	if err != nil {
		return shownText{}
	}
	return shownText{at, text}
}

// shownTexts has the texts by reflector and then by core gateway. A reflector that gives no answer is
// not in it.
type shownTexts map[string]map[string]shownText

// last returns the newest text for a core gateway: a reflector may have missed one.
func (s shownTexts) last(core string) shownText {
	var out shownText
	for _, texts := range s {
		if t := texts[core]; t.at.After(out.at) {
			out = t
		}
	}
	return out
}

// shownBefore asks all managed reflectors at once, with --limit those that it names: no other host is
// to be written to.
func (s *Session) shownBefore(ctx context.Context) shownTexts {
	out := shownTexts{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, rr := range s.fabric.RouteReflectors {
		if !rr.Managed || !s.limit.has(rr.Name) {
			continue
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			texts, err := s.shownOn(ctx, rr.Name)
			if err != nil {
				s.Say.Debug(rr.Name, "which configuration of the core gateways was shown last is not known: %v", err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			out[rr.Name] = texts
		}()
	}
	wg.Wait()
	return out
}

func (s *Session) shownOn(ctx context.Context, rr string) (map[string]shownText, error) {
	h, err := s.connect(ctx, rr)
	if err != nil {
		return nil, err
	}
	out := map[string]shownText{}
	for _, core := range s.fabric.CoreGateways {
		data, err := h.ReadFile(ctx, shownFile(core.Name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		out[core.Name] = parseShown(data)
	}
	return out, nil
}

func shownFile(core string) string { return path.Join(gatewayDir, core+".txt") }

// keepShown puts what was shown onto the reflectors that have something else. Where that fails, the
// next change shows more than it had to.
func (s *Session) keepShown(ctx context.Context, before shownTexts, now map[string]shownText) {
	var wg sync.WaitGroup
	for rr, had := range before {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if err := s.keepOn(ctx, rr, had, now); err != nil {
				s.Say.Debug(rr, "what was shown for the core gateways is not kept: %v", err)
			}
		}()
	}
	wg.Wait()
}

func (s *Session) keepOn(ctx context.Context, rr string, had, now map[string]shownText) error {
	if !slices.ContainsFunc(s.fabric.CoreGateways, func(c inventory.CoreGateway) bool { return had[c.Name] != now[c.Name] }) {
		return nil
	}
	h, err := s.connect(ctx, rr)
	if err != nil {
		return err
	}
	release, err := s.fleet.lock(ctx, rr, lockNote(s.command))
	if err != nil {
		return err
	}
	defer release()
	for name, t := range now {
		if had[name] == t {
			continue
		}
		if err := h.WriteFile(ctx, shownFile(name), []byte(t.String()), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// Snippets renders the configurations of core gateways, with an empty line
// between two.
func Snippets(fabric *inventory.Fabric, cores []inventory.CoreGateway, vendor string) (string, error) {
	var texts []string
	for _, core := range cores {
		text, err := gateway.Render(cmp.Or(vendor, core.Vendor), fabric, core)
		if err != nil {
			return "", err
		}
		texts = append(texts, strings.TrimRight(text, "\n")+"\n")
	}
	return strings.Join(texts, "\n"), nil
}
