// Package args is what the commands that measure programs have in common.
package args

import "strings"

// Settings reads name=value .. as a command line gives them.
func Settings(text string) map[string]string {
	set := map[string]string{}
	for _, s := range strings.Fields(text) {
		k, v, _ := strings.Cut(s, "=")
		set[k] = v
	}
	return set
}
