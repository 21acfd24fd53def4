module ipfabric

go 1.24.0
