package render

import (
	"bytes"
	_ "embed"
	"text/template"

	"ipfabric/cmd/ipfabric-lab/internal/plan"
)

//go:embed templates/fabric.yaml.tmpl
var fabricText string

// Fabric renders the fabric.yaml of a lab with these machines. Relative paths
// in it start at the lab's folder, where the file is.
func Fabric(n plan.Network, machines []plan.Machine) ([]byte, error) {
	return execute("fabric.yaml", fabricText, map[string]any{
		"Network4":   n.Prefix4(),
		"Network6":   n.Prefix6(),
		"Cores":      of(plan.Core, machines),
		"Reflectors": of(plan.Reflector, machines),
		"Nodes":      of(plan.Node, machines),
	})
}

// FabricEntry renders the lines of one machine as they stand in fabric.yaml,
// without the last line break.
func FabricEntry(m plan.Machine) string {
	out := "  - name: " + m.Name + "\n" +
		"    addresses: [" + m.IPv4.String() + ", \"" + m.IPv6.String() + "\"]"
	switch m.Role {
	case plan.Core:
		out += "\n    vendor: bird\n    looking_glass: bird"
	case plan.Node:
		out += "\n    virtualization: kvm"
	}
	return out
}

func of(r plan.Role, machines []plan.Machine) []plan.Machine {
	var out []plan.Machine
	for _, m := range machines {
		if m.Role == r {
			out = append(out, m)
		}
	}
	return out
}

func execute(name, text string, data any) ([]byte, error) {
	t, err := template.New(name).Option("missingkey=error").Funcs(template.FuncMap{"entry": FabricEntry}).Parse(text)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
