//go:build !(linux && amd64)

package native

func TilesAllowed() bool { return false }
