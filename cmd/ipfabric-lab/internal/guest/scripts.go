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

	//go:embed qemu-install.sh
	qemuInstall string
	//go:embed qemu-add.sh
	qemuAdd string
	//go:embed qemu-remove.sh
	qemuRemove string
	//go:embed domain.xml.tmpl
	domainText string

	//go:embed lxd-install.sh
	lxdInstall string
	//go:embed lxd-add.sh
	lxdAdd string
	//go:embed lxd-remove.sh
	lxdRemove string
)
