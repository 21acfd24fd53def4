// Package image builds the root file systems that the machines boot from and
// keeps them in a cache.
//
// An image is a folder with two layers: base, which every machine has, and
// core, which lies over it in a core gateway and holds BIRD. That of el8-like
// has a layer over, and a link to debian11's base. None holds FRR: installing it
// is what ipfabric init is tried for. Images are never changed once they are in
// the cache, so that any number of machines can run from one.
//
// Beside the images are mirrors: FRR's packages as a signed repository.
package image
