/** Of `index.markup`: one text, whose hash the page's policy names. */
export const STYLE = `
:root { color-scheme: light dark; --ground: #f6f7f9; --surface: #fff; --ink: #14181f; --quiet: #566070; --line: #d9dee6; --brand: #0b5bd3;
  --good: #0a6b3d; --bad: #b3261e; --mark: #fff1c2; }
@media (prefers-color-scheme: dark) { :root { --ground: #11151b; --surface: #1a2029; --ink: #e8ecf2; --quiet: #a3aebd; --line: #333d4b;
  --brand: #7fb2ff; --good: #6fd3a0; --bad: #ff9d94; --mark: #4a3f14; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem clamp(.75rem, 3vw, 2rem) 4rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 0 0 .75rem; } h3 { font-size: 1rem; margin: 1.25rem 0 .5rem; }
p { margin: 0 0 .6rem; } .quiet { color: var(--quiet); }
section { background: var(--surface); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem 1.1rem; margin-top: 1rem; }
.verdict { display: inline-block; border: 1.5px solid currentColor; border-radius: 1rem; padding: .05rem .7rem; font-weight: 600; color: var(--bad); }
.verdict.good { color: var(--good); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-top: 1px solid var(--line); }
th, td { overflow-wrap: break-word; } th { font-weight: 600; color: var(--quiet); } td:not(:last-child) { white-space: nowrap; } dl { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: .2rem 1rem; margin: 0; }
dt { color: var(--quiet); } dd { margin: 0; } meter { width: 6rem; }
audio { width: 100%; margin: .5rem 0; } ol { list-style: none; padding: 0; margin: 0; } ol li { display: grid; grid-template-columns: 5.2rem 1fr; gap: .6rem;
  padding: .15rem .3rem; border-radius: .3rem; } li[aria-current] { background: var(--mark); }
.doubtful { color: var(--quiet); font-style: italic; } blockquote { margin: .2rem 0 .2rem .2rem; padding-left: .7rem; border-left: 3px solid var(--line); }
button { font: inherit; color: var(--brand); background: none; border: 0; padding: 0; text-align: left; cursor: pointer; text-decoration: underline; }
:focus-visible { outline: 2px solid var(--brand); outline-offset: 2px; } a { color: var(--brand); }
pre { white-space: pre-wrap; background: var(--ground); border: 1px solid var(--line); border-radius: .4rem; padding: .7rem; max-height: 30rem; overflow: auto;
  font-size: .85rem; } summary { cursor: pointer; color: var(--brand); } .problem { color: var(--bad); }
@media (max-width: 36rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .4rem; } ol li { grid-template-columns: 1fr; gap: 0; } }
@media print { body { background: #fff; } audio { display: none; } }
`;
