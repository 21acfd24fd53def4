package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"ipfabric/cmd/ipfabric-agent/internal/libvirt"
	"ipfabric/cmd/ipfabric-agent/internal/vm"
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
			code, body, err := h(r)
			if err != nil {
				e := asError(err)
				code, body = e.Code, errorBody{Error: e.Msg, Hint: e.Next}
			}
			s.answer(w, code, body)
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.answer(w, http.StatusNotFound, errorBody{Error: "there is no such request: " + r.Method + " " + r.URL.Path})
	})
	return http.MaxBytesHandler(mux, maxBody)
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
		return 0, nil, Errorf(http.StatusBadRequest, "%v", err)
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
	var c Change
	if err := decode(r, &c); err != nil {
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
	if err := decode(r, &ev); err != nil {
		return 0, nil, err
	}
	return http.StatusNoContent, nil, s.Backend.Domain(r.Context(), ev)
}

// body reads a request's body, which must not be longer than anybody needs.
func body(r *http.Request) ([]byte, error) {
	data, err := io.ReadAll(r.Body)
	var long *http.MaxBytesError
	if errors.As(err, &long) {
		return nil, Errorf(http.StatusRequestEntityTooLarge, "the request is longer than %d bytes", long.Limit)
	}
	if err != nil {
		return nil, Errorf(http.StatusBadRequest, "the request breaks off: %v", err)
	}
	return data, nil
}

func decode(r *http.Request, into any) error {
	data, err := body(r)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return Errorf(http.StatusBadRequest, "the request is not what belongs there: %v", err)
	}
	return nil
}

func (s *Server) answer(w http.ResponseWriter, code int, v any) {
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
