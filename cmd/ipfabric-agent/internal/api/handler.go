package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"

	"ipfabric/cmd/ipfabric-agent/internal/libvirt"
	"ipfabric/inventory/vm"
)

// A handler answers one request with a code and a body, or with an error.
type handler func(r *http.Request) (code int, body any, err error)

// Handler returns the API.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range map[string]handler{
		"GET /v1/status":         s.status,
		"GET /v1/vms":            s.list,
		"POST /v1/vms":           s.add,
		"GET /v1/vms/{name}":     s.show,
		"PATCH /v1/vms/{name}":   s.change,
		"DELETE /v1/vms/{name}":  s.remove,
		"POST /v1/drain":         s.drain(true),
		"POST /v1/undrain":       s.drain(false),
		"POST /v1/reconcile":     s.reconcile,
		"POST /v1/hooks/libvirt": s.libvirt,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			err := checkAsking(r)
			if err != nil {
				s.refuse(w, err)
				return
			}
			code, body, err := h(r)
			if err != nil {
				s.refuse(w, err)
				return
			}
			s.answer(w, code, body)
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.refuse(w, vm.Errorf(vm.NotFound, "there is no such request: %s %s", r.Method, r.URL.Path))
	})
	return http.MaxBytesHandler(mux, maxBody)
}

// checkAsking refuses a request of a program that speaks another protocol. One
// that sends no number, such as curl, is answered.
func checkAsking(r *http.Request) error {
	asking := r.Header.Get(protocolHeader)
	if asking == "" || anyProtocol(r.URL.Path) {
		return nil
	}
	n, err := strconv.Atoi(asking)
	if err != nil {
		return vm.Errorf(vm.Usage, "header %s: %.20q is not a number", protocolHeader, asking)
	}
	return vm.CheckProtocol(n, vm.Protocol)
}

// refuse answers with an error.
func (s *Server) refuse(w http.ResponseWriter, err error) {
	e := vm.ErrorOf(err, vm.Internal)
	s.answer(w, statusOf(e.Code), e)
}

func (s *Server) status(r *http.Request) (int, any, error) {
	return http.StatusOK, s.Backend.Status(r.Context()), nil
}

func (s *Server) list(r *http.Request) (int, any, error) {
	return http.StatusOK, s.Backend.VMs(r.Context()), nil
}

func (s *Server) add(r *http.Request) (int, any, error) {
	data, err := body(r)
	if err != nil {
		return 0, nil, err
	}
	v, err := vm.Decode(data)
	if err != nil {
		return 0, nil, vm.Errorf(vm.Usage, "%v", err)
	}
	out, created, err := s.Backend.Add(r.Context(), *v)
	if created {
		return http.StatusCreated, out, err
	}
	return http.StatusOK, out, err
}

func (s *Server) show(r *http.Request) (int, any, error) {
	out, err := s.Backend.VM(r.Context(), r.PathValue("name"))
	return http.StatusOK, out, err
}

func (s *Server) change(r *http.Request) (int, any, error) {
	var c vm.Change
	if err := decode(r, &c, true); err != nil {
		return 0, nil, err
	}
	out, err := s.Backend.SetPhase(r.Context(), r.PathValue("name"), c.Phase)
	return http.StatusOK, out, err
}

func (s *Server) remove(r *http.Request) (int, any, error) {
	remove := s.Backend.Remove
	if r.URL.Query().Get("handover") == "true" {
		remove = s.Backend.HandOver
	}
	return http.StatusNoContent, nil, remove(r.Context(), r.PathValue("name"))
}

func (s *Server) drain(drained bool) handler {
	return func(r *http.Request) (int, any, error) {
		return http.StatusNoContent, nil, s.Backend.Drain(r.Context(), drained)
	}
}

func (s *Server) reconcile(r *http.Request) (int, any, error) {
	return http.StatusNoContent, nil, s.Backend.Reconcile(r.Context())
}

func (s *Server) libvirt(r *http.Request) (int, any, error) {
	var ev libvirt.Event
	// The hook may be a newer program than the agent that still runs. A guest
	// must not start without network for a key that is not known.
	if err := decode(r, &ev, false); err != nil {
		return 0, nil, err
	}
	return http.StatusNoContent, nil, s.Backend.Domain(r.Context(), ev)
}

// body reads a request's body, which must not be longer than anybody needs.
func body(r *http.Request) ([]byte, error) {
	data, err := io.ReadAll(r.Body)
	var long *http.MaxBytesError
	if errors.As(err, &long) {
		return nil, vm.Errorf(vm.TooLarge, "the request is longer than %d bytes", long.Limit)
	}
	if err != nil {
		return nil, vm.Errorf(vm.Usage, "the request breaks off: %v", err)
	}
	return data, nil
}

func decode(r *http.Request, into any, strict bool) error {
	data, err := body(r)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if strict {
		dec.DisallowUnknownFields()
	}
	if err := dec.Decode(into); err != nil {
		return vm.Errorf(vm.Usage, "the request is not what belongs there: %v", err)
	}
	return nil
}

func (s *Server) answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set(protocolHeader, strconv.Itoa(vm.Protocol))
	if code == http.StatusNoContent {
		w.WriteHeader(code)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		s.Log.Debug("a client went away", "err", err)
	}
}
