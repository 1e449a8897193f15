// What tests/browser.py asks of a page: `measure()` looks, `press()` clicks. Both give plain values.

const shown = e => e.checkVisibility({ opacityProperty: true, visibilityProperty: true });
const named = e => `${e.tagName.toLowerCase()}.${e.getAttribute("class") || ""} ${(e.textContent || "").trim().slice(0, 40)}`;
const dark = () => matchMedia("(prefers-color-scheme: dark)").matches;

// Whether an ancestor scrolls or cuts what is too wide for it.
function held(e) {
  for (; e && e !== document.body; e = e.parentElement)
    if (/auto|scroll|hidden|clip/.test(getComputedStyle(e).overflowX)) return true;
  return false;
}

const channels = colour => (colour.match(/[\d.]+/g) || []).map(Number);
const over = (a, b) => [0, 1, 2].map(i => (a.length > 3 ? a[3] : 1) * a[i] + (1 - (a.length > 3 ? a[3] : 1)) * b[i]);
const luminance = colour => {
  const [r, g, b] = colour.map(v => ((v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};

// The colour that an element stands on, through whatever is transparent.
function ground(e) {
  const layers = [];
  for (; e; e = e.parentElement) {
    const colour = channels(getComputedStyle(e).backgroundColor);
    layers.push(colour);
    if (colour.length < 4 || colour[3] === 1) break;
  }
  return layers.reverse().reduce((under, colour) => over(colour, under), dark() ? [18, 18, 18] : [255, 255, 255]);
}

// Texts whose contrast is under that of WCAG 2 AA: 4.5, large ones 3.
function faintTexts() {
  const faint = new Set(), walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || /SCRIPT|STYLE|TITLE/i.test(e.tagName) || !shown(e)) continue;
    const style = getComputedStyle(e), under = ground(e);
    const ink = channels(e.ownerSVGElement ? style.fill : style.color);
    if (ink.length < 3) continue;
    const [low, high] = [luminance(over(ink, under)), luminance(under)].sort((a, b) => a - b);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && +style.fontWeight >= 700);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < (large ? 3 : 4.5)) faint.add(`${named(e)}: ${ratio.toFixed(2)}`);
  }
  return [...faint];
}

// Words and numbers that a line breaks in the middle, where there is no blank or mark to break at.
function splitWords() {
  const split = new Set(), walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode, e = text.parentElement;
    if (e.ownerSVGElement || /SCRIPT|STYLE/i.test(e.tagName) || !shown(e)) continue;
    for (const word of text.data.matchAll(/[A-Za-z0-9]{3,14}/g)) {
      const range = document.createRange();
      range.setStart(text, word.index);
      range.setEnd(text, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map(r => Math.round(r.top))).size > 1) split.add(word[0]);
    }
  }
  return [...split];
}

// Texts smaller than SMALL pixels, also those that a drawing shrinks; a drawing of letters, by its digits' height.
const SMALL = 10;
function smallTexts() {
  const small = new Set(), walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || /SCRIPT|STYLE|TITLE/i.test(e.tagName) || !shown(e)) continue;
    const shrunk = e.ownerSVGElement ? e.getScreenCTM().a : 1, size = shrunk * parseFloat(getComputedStyle(e).fontSize);
    if (size < SMALL) small.add(`${named(e)}: ${size.toFixed(1)}`);
  }
  for (const e of document.querySelectorAll("svg g[id^=text_]")) {
    const { width, height } = e.getBoundingClientRect();
    if (width && Math.max(width, height) < 0.6 * SMALL) small.add(`${e.id}: ${height.toFixed(1)}`);
  }
  return [...small];
}

function measure() {
  const sticksOut = e => !e.ownerSVGElement && shown(e) && e.getBoundingClientRect().right > innerWidth + 1;
  return {
    width: Math.max(document.documentElement.scrollWidth, document.body.scrollWidth),
    wide: [...document.body.querySelectorAll("*")].filter(e => sticksOut(e) && !held(e.parentElement)).map(named),
    faint: faintTexts(),
    split: splitWords(),
    small: smallTexts(),
    dark: dark(),
    text: document.body.innerText.length,
  };
}

// Clicks everything that stays on the page. Dead is a link or a name without its target, and a summary that opens nothing.
function press() {
  const clicked = [], dead = [];
  let links = 0;
  for (const e of document.querySelectorAll("a[href], summary, button, label, input, select, [onclick], [role=button]")) {
    const link = e.getAttribute("href");
    if (link !== null && !link.startsWith("#")) continue;
    const details = e.tagName === "SUMMARY" ? e.parentElement : null, open = details && details.open;
    if (!link || ++links <= 50) e.click(); // Chromium holds back a page that jumps more often
    clicked.push(e.tagName.toLowerCase());
    if (link && link.length > 1 && !document.getElementById(decodeURIComponent(link.slice(1)))) dead.push(link);
    if (details && details.open === open) dead.push(e.textContent);
    if (details) details.open = true;
  }
  for (const attribute of ["aria-labelledby", "aria-describedby", "aria-controls", "for"])
    for (const e of document.querySelectorAll(`[${attribute}]`))
      for (const id of e.getAttribute(attribute).split(/\s+/).filter(Boolean))
        if (!document.getElementById(id)) dead.push(`${attribute} ${id}`);
  return { clicked, dead };
}
