package assets

import (
	"compress/gzip"
	"encoding/base64"
	"io"
	"strings"
	"testing"
)

func TestPack(t *testing.T) {
	inSandbox(t, func(s sandbox) {
		for status, ends := range map[string]int{"0": 0, "3": 0, "124": 124} { // 124 is timeout's
			s.program("ask", "printf 'a\\nb'; exit "+status)
			got := s.script("pack.sh", "ask", "x y")
			z, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(got.out)))
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(z)
			if err != nil || string(text) != "a\nb\n"+status || got.status != ends {
				t.Errorf("status %s: %q, %v, ended with %d", status, text, err, got.status)
			}
		}
	})
}
