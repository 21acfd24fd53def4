package bgp

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
)

func TestEachDocument(t *testing.T) {
	for out, want := range map[string][]int{
		"":                                nil,
		"% no { such route\n":             nil,
		"{}":                              {0},
		"{}{}":                            {0, 2},
		"% a\n{\"a\":\n{}}\n% b {x\n{}\n": {4, 21},
	} {
		var got []int
		err := eachDocument(out, func(at int, dec *json.Decoder) error {
			got = append(got, at)
			var doc json.RawMessage
			return dec.Decode(&doc)
		})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v, want %v", out, got, err, want)
		}
	}
	broken := errors.New("broken")
	if err := eachDocument("{}\n{}", func(int, *json.Decoder) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
