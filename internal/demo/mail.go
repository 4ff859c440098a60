package demo

import (
	"strings"
	"sync/atomic"

	"github.com/emersion/go-smtp"
)

// unwelcoming answers the first mail to busy@ with 451 and every mail to refused@ with 550.
func unwelcoming() func(to string) error {
	var busy atomic.Bool
	return func(to string) error {
		switch {
		case strings.HasPrefix(to, "refused@"):
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox"}
		case strings.HasPrefix(to, "busy@") && busy.CompareAndSwap(false, true):
			return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "busy, come back later"}
		}
		return nil
	}
}
