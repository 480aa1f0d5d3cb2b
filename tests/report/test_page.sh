#!/usr/bin/env bash
# The page of a run in headless Chromium at the width of a phone and of a desk: nothing wider than the screen, no error on the
# console, nothing fetched, a click on a heading sorts and another one the other way round, plots are not shrunk below reading
# size, config and record can be copied, both colour schemes have contrast.  Skipped where there is no Chromium.
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
if [ -z "$browser" ]; then
    echo "skipped page_in_browser: no chromium here (Debian: apt-get install chromium)"
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
recfuse=$(realpath "$BUILD/recfuse")
"$recfuse" synth --users 80 --items 60 --interactions 1500 --seed 3 -o "$work/d.h5" >/dev/null || { echo "not ok page_in_browser"; exit 1; }
cat >"$work/e.yaml" <<'YAML'
experiment: {name: page, seeds: [0]}
datasets: [{name: toy, file: d.h5, split: {kind: random, test: 0.2, scope: per_user, seed: 1}}]
models:
  - {name: popularity, label: "A popularity with a label so long that a phone could not show it <b>&amp;</b>"}
  - {name: random}
  - {name: random, label: random2, params: {}}
  - {name: ials, grid: {factors: [4, 8], alpha0: [0.1, 1.0]}}
evaluate: {k: [5, 10, 20], metrics: [precision, recall, ndcg, map, mrr, hit_rate], strata: [user_activity, item_popularity], multiverse: {}}
compare:
  pairs: [{a: random, b: "A popularity with a label so long that a phone could not show it <b>&amp;</b>", metric: ndcg, k: 10}, {a: random, b: random2, metric: ndcg, k: 10}]
  ranks: [{metric: ndcg, k: 10}]
report: {tables: [csv, md, tex], plots: [metrics, per_k, strata, time, popularity, curves, ranks, multiverse]}
YAML
(cd "$work" && "$recfuse" run e.yaml -o results/page) >"$work/log" 2>&1
page=$work/results/page/index.html
[ -f "$page" ] || { cat "$work/log"; echo "not ok page_in_browser"; exit 1; }
# The probe runs in the page itself, which stands in a frame of the wanted width (a headless window is never below 500), and
# tells the frame's page what it found.
cat >"$work/probe.js" <<'JS'
<script>
window.problems = [];
window.addEventListener('error', e => problems.push('error: ' + e.message));
window.addEventListener('load', () => {
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth + 1) problems.push('page is ' + root.scrollWidth + ' wide on ' + root.clientWidth);
  for (const table of document.querySelectorAll('table')) {
    const heads = [...table.tHead.rows[0].cells];
    const rows = table.tBodies[0].rows.length;
    heads.forEach((head, column) => {
      for (const order of ['descending', 'ascending']) {
        head.querySelector('button').click();
        const shown = [...table.tBodies[0].rows].map(r => r.cells[column]).filter(c => c).map(c => c.textContent).filter(t => t !== '');
        const numbers = shown.map(t => Number(t.replace('\u2020', '').replace(/ \S+ to \S+$/, ''))), all = numbers.every(n => !isNaN(n));
        for (let i = 1; i < shown.length; i++) {
          const step = all ? numbers[i] - numbers[i - 1] : isNaN(numbers[i] - numbers[i - 1]) ? shown[i].localeCompare(shown[i - 1]) : 0;
          if (order === 'descending' ? step > 0 : step < 0) problems.push('column ' + column + ' is not ' + order);
        }
        if (head.getAttribute('aria-sort') !== order) problems.push('column ' + column + ' says no order');
      }
    });
    if (table.tBodies[0].rows.length !== rows) problems.push('a row was lost');
  }
  if (!document.querySelector('table')) problems.push('no table');
  if (document.querySelectorAll('figure svg').length !== FIGURES) problems.push('figures: ' + document.querySelectorAll('figure svg').length);
  for (const svg of document.querySelectorAll('figure svg'))
    if (svg.getBoundingClientRect().width < 0.75 * svg.viewBox.baseVal.width) problems.push('a plot is shrunk to ' + svg.getBoundingClientRect().width);
  if (performance.getEntriesByType('resource').length > 0) problems.push('fetched ' + performance.getEntriesByType('resource')[0].name);
  const copies = [...document.querySelectorAll('button.copy')].map(b => b.nextElementSibling.textContent);
  if (copies.length !== 2 || !copies[0].includes('datasets:') || !JSON.parse(copies[1]).cells) problems.push('nothing to copy');
  const rgb = c => c.match(/[\d.]+/g).map(Number);
  const light = c => rgb(c).slice(0, 3).map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
  const back = getComputedStyle(root).backgroundColor, seen = rgb(back)[3] === 0 ? (matchMedia('(prefers-color-scheme: dark)').matches ? 'rgb(18,18,18)' : 'rgb(255,255,255)') : back;
  for (const cell of [document.body, document.querySelector('.best')]) {
    const a = light(getComputedStyle(cell).color), b = light(seen);
    if ((Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 3) problems.push('too little contrast: ' + cell.tagName + ' ' + getComputedStyle(cell).color);
  }
  if (![390, 1280].includes(innerWidth)) problems.push('shown at a width of ' + innerWidth);
  parent.postMessage('FOUND:' + (problems.slice(0, 3).join('; ') || 'nothing') + ':END', '*');
});
</script>
JS
figures=$(ls "$work/results/page/plots/"*.svg 2>/dev/null | wc -l)
sed -e "s/FIGURES/$figures/" "$work/probe.js" >"$work/probe.html"
awk -v probe="$work/probe.html" '/<style>/ { while ((getline line < probe) > 0) print line } { print }' "$page" >"$work/probed.html"
bad=0
for width in 390 1280; do
    for scheme in light dark; do
        flags=""
        [ $scheme = dark ] && flags="--force-dark-mode --blink-settings=preferredColorScheme=0"
        printf '<body style="margin:0"><script>onmessage = e => { const p = document.createElement("p"); p.textContent = e.data; document.body.append(p); }</script><iframe src="probed.html" style="border:0;width:%dpx;height:900px"></iframe>' \
            $width >"$work/frame.html"
        "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$work/profile" --window-size=1400,1000 --enable-logging=stderr --v=0 $flags \
            --virtual-time-budget=5000 --dump-dom "file://$work/frame.html" >"$work/dom" 2>"$work/console"
        found=$(grep -o 'FOUND:.*:END' "$work/dom" | tail -1)
        if [ "$found" != "FOUND:nothing:END" ] || grep -q 'CONSOLE' "$work/console"; then
            echo "at $width, $scheme: ${found:-the probe did not run}"
            grep CONSOLE "$work/console"
            bad=1
        fi
    done
done
[ $bad -eq 0 ] && echo "ok page_in_browser" || echo "not ok page_in_browser"
