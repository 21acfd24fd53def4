package guest

import _ "embed"

var (
	//go:embed list.sh
	list string
	//go:embed ns-add.sh
	nsAdd string
	//go:embed ns-remove.sh
	nsRemove string
	//go:embed wire.py
	wire string
)
