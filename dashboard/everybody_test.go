package dashboard_test

import (
	"strconv"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/laterjobs/later/dashboard"
)

// audit looks at a page as somebody does who cannot see it, or not well, or has no mouse.
const audit = `(() => {
	const found = [], main = document.querySelector("main"), say = (what, e) => found.push(what + ": " + e.outerHTML.slice(0, 120));
	if (!main || !document.querySelector("header") || !document.querySelector("nav[aria-label]")) found.push("a landmark is missing");
	if (document.querySelectorAll("h1").length !== 1) found.push("not one h1");
	if (document.documentElement.lang !== "en") found.push("no language");
	for (const table of document.querySelectorAll("table")) {
		if (!table.caption) say("no caption", table);
		for (const head of table.querySelectorAll("th")) if (!head.scope) say("no scope", head);
	}
	for (const svg of document.querySelectorAll("svg")) if (svg.getAttribute("aria-hidden") !== "true" && !svg.getAttribute("aria-label")) say("a picture without words", svg);
	for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea")) if (!field.labels?.length && !field.getAttribute("aria-label")) say("no label", field);
	for (const each of document.querySelectorAll("a[href], button, summary")) if (!(each.textContent.trim() || each.getAttribute("aria-label"))) say("no name", each);
	const ids = [...document.querySelectorAll("[id]")].map((e) => e.getAttribute("id"));
	for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push("an id twice: " + id);
	for (const each of document.querySelectorAll("a[href], button, summary, input:not([type=hidden]), select, textarea")) {
		if (!each.checkVisibility() || each.tabIndex < 0 || each.disabled) continue;
		each.focus({ focusVisible: true, preventScroll: true });
		const style = getComputedStyle(each);
		if (document.activeElement === each && (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 1)) say("focus cannot be seen", each);
	}
	const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
	const pixel = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); return canvas.getImageData(0, 0, 1, 1).data; };
	const light = ([r, g, b]) => [r, g, b].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
	const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), seen = new Set();
	while (words.nextNode()) {
		const e = words.currentNode.parentElement;
		if (!words.currentNode.nodeValue.trim() || seen.has(e) || !e.checkVisibility() || e.closest("svg, :disabled, dialog, .hidden, .skip, datalist, option")) continue;
		seen.add(e);
		let under = e;
		while (under && pixel(getComputedStyle(under).backgroundColor)[3] < 255) under = under.parentElement;
		const [a, b] = [light(pixel(getComputedStyle(e).color)), light(pixel(under ? getComputedStyle(under).backgroundColor : "white"))].sort((x, y) => y - x);
		if ((a + 0.05) / (b + 0.05) < 4.5) say("contrast " + ((a + 0.05) / (b + 0.05)).toFixed(2), e);
	}
	if (document.documentElement.scrollWidth > innerWidth) found.push("wider than the window: " + document.documentElement.scrollWidth + " " +
		[...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > innerWidth && !e.closest(".wide, nav, .timeline")).map((e) => e.outerHTML.slice(0, 90)).slice(0, 3).join(" "));
	return found.join("\n");
})()`

// TestPagesForEverybody: landmarks, names, focus, contrast and reflow of every page, in
// both themes, wide and at 320 pixels.
func TestPagesForEverybody(t *testing.T) {
	b, s := newBrowser(t), orderStage(t)
	root := s.serve(t, guarded(dashboard.Admin), dashboard.Environment("test"))
	pages := []string{
		"", "jobs/", "queues/", "types/OrderJob", "schedules/", "schedules/%3Cevil%3Enightly", "jobs/new?type=OrderJob",
		"jobs/" + strconv.FormatInt(s.ids["panicked"], 10), "queues/nobody", "types/", "processes/", "settings/",
	}
	for _, look := range []struct {
		theme string
		width int64
		pages []string
	}{{"light", 1280, pages[:8]}, {"dark", 320, pages}} {
		prefers := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: look.theme}}}
		if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, prefers); err != nil {
			t.Fatal(err)
		}
		b.run(chromedp.EmulateViewport(look.width, 800))
		for _, page := range look.pages {
			b.open(root + page)
			b.run(chromedp.KeyEvent(kb.Tab)) // from now on the focus is shown
			if found := eval[string](b, audit); found != "" {
				t.Errorf("/%s, %s, %d wide:\n%s", page, look.theme, look.width, found)
			}
		}
	}
	keysHelp(b, root)
}

// keysHelp opens with ?, takes the focus, and gives it back.
func keysHelp(b *browser, root string) {
	b.t.Helper()
	b.run(chromedp.EmulateViewport(1280, 800))
	b.open(root)
	b.run(chromedp.KeyEvent("?"))
	b.until(`document.querySelector("dialog#keys").open && document.activeElement.closest("dialog")`)
	b.run(chromedp.KeyEvent("j"), chromedp.KeyEvent("\u001b"))
	b.until(`!document.querySelector("dialog#keys").open`)
	b.run(chromedp.KeyEvent("g"), chromedp.KeyEvent("q"))
	b.until(`location.pathname.endsWith("/queues/")`)
	b.until(`document.querySelector("#foot")`)
	b.run(chromedp.KeyEvent("t"))
	b.until(`document.documentElement.dataset.theme === "light"`)
}
