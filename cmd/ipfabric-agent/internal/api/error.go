package api

import (
	"errors"
	"fmt"
	"net/http"
)

// An Error is a refusal that the caller can do something about.
type Error struct {
	Code int    // HTTP status
	Msg  string // one sentence, lower case
	Next string // what to do now; may be empty
}

func (e *Error) Error() string { return e.Msg }

// Hint says what to do now.
func (e *Error) Hint() string { return e.Next }

// Errorf makes an Error without a hint.
func Errorf(code int, format string, args ...any) *Error {
	return &Error{Code: code, Msg: fmt.Sprintf(format, args...)}
}

// WithHint returns a copy of e that says what to do now.
func (e *Error) WithHint(format string, args ...any) *Error {
	c := *e
	c.Next = fmt.Sprintf(format, args...)
	return &c
}

// asError turns any error into one with a code: 500 unless it says otherwise.
func asError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return &Error{Code: e.Code, Msg: err.Error(), Next: e.Next}
	}
	return &Error{Code: http.StatusInternalServerError, Msg: err.Error()}
}
