"""How an HTML report looks: on a screen, a phone and paper, light and dark. No script at all."""

STYLE = """
:root{color-scheme:light dark;--paper:#fff;--ink:#1f2328;--dim:#59636e;--line:#d1d9e0;
--soft:#f6f8fa;--address:#0550ae;--match:#116329;--bad:#b3261e;--badsoft:#fff0ee;--mark:#7d4e00;
--marksoft:#fff8c5}
@media (prefers-color-scheme:dark){:root{--paper:#0d1117;--ink:#e6edf3;--dim:#9198a1;--line:#3d444d;
--soft:#151b23;--address:#79b8ff;--match:#56d364;--bad:#ff8a80;--badsoft:#331614;--mark:#f2cc60;
--marksoft:#2f2505}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main,header,footer{max-width:72rem;margin:0 auto;padding:0 1rem}
header{padding-top:1.5rem}
h1{font-size:1.35rem;line-height:1.35;margin:.2rem 0 .6rem;overflow-wrap:anywhere}
h2{font-size:1.05rem;margin:2rem 0 .5rem;padding-top:.6rem;border-top:1px solid var(--line);
overflow-wrap:anywhere}
h2 code{font-weight:400;font-size:.85rem;color:var(--dim)}
p{margin:.4rem 0;overflow-wrap:anywhere}
ul,ol{margin:.4rem 0;padding-left:1.3rem}li{overflow-wrap:anywhere}
.kind{display:inline-block;max-width:100%;overflow-wrap:anywhere;
font-size:.8rem;font-weight:600;letter-spacing:.02em;padding:.1rem .5rem;
border-radius:1rem;background:var(--badsoft);color:var(--bad);border:1px solid currentColor}
.about{color:var(--dim);font-size:.85rem}
nav{font-size:.85rem;line-height:1.9}
nav a{color:var(--address);text-decoration:none;margin-right:.9rem;
display:inline-block;max-width:100%;overflow-wrap:anywhere}
nav a:hover,nav a:focus-visible{text-decoration:underline}
code,pre,table,.mono,svg text{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,
"DejaVu Sans Mono",monospace}
.scroll{overflow-x:auto;max-width:100%;border:1px solid var(--line);border-radius:6px}
.scroll:focus-visible{outline:2px solid var(--address)}
pre{margin:0;padding:.6rem .8rem;font-size:.8rem;line-height:1.5;width:max-content;min-width:100%;
background:var(--soft)}
table{border-collapse:collapse;font-size:.8rem;min-width:100%}
th,td{text-align:left;vertical-align:top;padding:.22rem .7rem;white-space:nowrap;
border-bottom:1px solid var(--line)}
tr:last-child>*{border-bottom:0}
thead th,thead th.address{background:var(--soft);color:var(--dim);font-weight:600}
td.number,th.number{text-align:right}
td.long{white-space:normal;min-width:18rem;overflow-wrap:anywhere}
.record th{color:var(--dim);font-weight:400;width:1%}
.record td{white-space:normal;overflow-wrap:anywhere}
.record td div+div{margin-top:.15rem}
.headline{font-weight:600}
.note{color:var(--dim);font-size:.85rem}
.note::before{content:"note: "}
.error{color:var(--bad)}
.address{color:var(--address)}.dim,.heading{color:var(--dim)}.tag-match{color:var(--match)}
.tag-mismatch{color:var(--bad);font-weight:700}.mark{color:var(--mark);font-weight:700}
tr.here>*{background:var(--marksoft)}
pre .here{display:inline-block;min-width:100%;background:var(--marksoft)}
details>summary{cursor:pointer;color:var(--address);font-size:.85rem;padding:.3rem 0}
figure{margin:.6rem 0}
figcaption,.legend{font-size:.8rem;color:var(--dim);margin:.3rem 0}
.legend span{margin-right:1rem;display:inline-block;max-width:100%;overflow-wrap:anywhere}
.legend svg{width:.9rem;height:.9rem;vertical-align:-.1rem;margin-right:.3rem}
figure img{display:block;max-width:none;width:max(100%,46rem)}
.zoom{font-size:.8rem;color:var(--dim)}
.zoom input{position:absolute;opacity:0}
.zoom label{display:inline-block;padding:.05rem .5rem;border:1px solid var(--line);
border-radius:4px;cursor:pointer;color:var(--address)}
.zoom input:checked+label{background:var(--soft);font-weight:700}
.zoom input:focus-visible+label{outline:2px solid var(--address)}
.drawing{display:block;width:100%;min-width:30rem;background:var(--paper)}
.zoom2:checked~.scroll .drawing{width:200%}.zoom8:checked~.scroll .drawing{width:800%}
.zoom32:checked~.scroll .drawing{width:3200%}.zoom128:checked~.scroll .drawing{width:12800%}
.drawing text,.grid text{fill:var(--ink);font-size:11px}.drawing .dim,.grid .dim{fill:var(--dim)}
.drawing line{stroke:var(--line)}
.grid{display:block;width:100%;max-width:44rem;min-width:32rem;background:var(--paper)}
.grid .frame{fill:none;stroke:var(--bad);stroke-width:2}
.grid .digit{fill:#fff;text-anchor:middle}.grid .none{fill:var(--soft);stroke:var(--line)}
.Fault{fill:#e5484d}.Patch{fill:#3b7dd8}.Retag{fill:#f28e2b}.Migration{fill:#9b5de5}
.TierCommit,.LazyStub{fill:#43a047}.ThreadStart,.ThreadExit{fill:#8b949e}
.Other{fill:#12a4c4}
.free{fill:var(--soft);stroke:var(--line)}.SharedStubs{fill:#8b949e}.BaselineTier{fill:#3b7dd8}
.OptimizedTier{fill:#43a047}.LazyStubs{fill:#d6a800}.retired{fill-opacity:.35}
.pc{fill:#e5484d}
footer{margin:2.5rem auto 1.5rem;color:var(--dim);font-size:.8rem}
@media (max-width:40rem){body{font-size:14px}main,header,footer{padding:0 .75rem}
th,td{padding:.22rem .5rem}}
@media print{
:root{color-scheme:light;--paper:#fff;--ink:#000;--dim:#444;--line:#bbb;--soft:#f4f4f4;
--address:#003;--match:#040;--bad:#a00;--badsoft:#fff;--mark:#630;--marksoft:#eee}
@page{margin:14mm}
body{font-size:10pt}nav,.zoom label,.zoom input,summary{display:none}
main,header,footer{max-width:none;padding:0}
.scroll{overflow:visible;border:0}
pre{width:auto;white-space:pre-wrap;overflow-wrap:anywhere;font-size:7.5pt;padding:.3rem}
table{font-size:7.5pt;min-width:0;width:100%}
th,td{padding:.1rem .3rem}td{white-space:normal;overflow-wrap:anywhere}
td.address,td.number{white-space:nowrap}td.long{min-width:0}
h2{break-after:avoid}tr,figure,.drawing{break-inside:avoid}
.scroll .drawing,.scroll .grid{min-width:0;width:100%!important}figure img{width:100%}
details::details-content{content-visibility:visible;display:block;height:auto}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
"""
