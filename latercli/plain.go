package latercli

import (
	"io"
	"os"
	"runtime"
	"strings"

	"golang.org/x/term"
)

// plainCharacters are what stands for the characters of ours that are not ASCII, where the
// locale may not show them: one for one, so that columns stay columns.
var plainCharacters = strings.NewReplacer(
	"…", "~", "–", "-", "−", "-", "·", "-", "✓", "+", "✖", "x", "▲", "!", "▏", "|", "↑", "^", "↓", "v", "→", ">", "‖", "|",
	"▁", "_", "▂", ".", "▃", ":", "▄", "-", "▅", "=", "▆", "+", "▇", "*", "█", "#",
)

// plainWriter writes texts of ours to a terminal, or a file, that knows ASCII alone.
type plainWriter struct{ io.Writer }

func (w plainWriter) Write(p []byte) (int, error) {
	if _, err := plainCharacters.WriteString(w.Writer, string(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// fit is a writer of texts for people, as the locale wants them.
func fit(w io.Writer) io.Writer {
	if _, already := w.(plainWriter); already || knowsUnicode() {
		return w
	}
	return plainWriter{w}
}

// whole is what fit has wrapped: data goes there as it is.
func whole(w io.Writer) io.Writer {
	if plain, wrapped := w.(plainWriter); wrapped {
		return plain.Writer
	}
	return w
}

// knowsUnicode reports whether the locale says that characters are UTF-8. Where nothing is
// said it is that of C, which knows ASCII; Windows has no such variables.
func knowsUnicode() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if locale := strings.ToLower(os.Getenv(name)); locale != "" {
			return strings.Contains(locale, "utf-8") || strings.Contains(locale, "utf8")
		}
	}
	return runtime.GOOS == "windows"
}

// terminalOf is the terminal that a writer leads to.
func terminalOf(w io.Writer) (*os.File, bool) {
	file, ok := whole(w).(*os.File)
	return file, ok && term.IsTerminal(int(file.Fd()))
}
