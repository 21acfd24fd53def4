package render

import (
	_ "embed"

	"ipfabric/inventory"
)

//go:embed templates/bird.conf.tmpl
var siteText string

// Site renders bird.conf of a core gateway: what an administrator has there
// beside the file that `ipfabric gateway --vendor bird` prints, which it
// includes as ipfabric.conf. The fabric's password must have been read.
func Site(f *inventory.Fabric) ([]byte, error) {
	return execute("bird.conf", siteText, map[string]any{"Password": f.BGP.Password.Reveal()})
}
