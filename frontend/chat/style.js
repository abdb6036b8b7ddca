// In a sheet of the shadow root: the page's styles don't come in, ours don't go out, and no inline style is needed.
export default `
:host { all: initial; color-scheme: light dark; --bg: light-dark(#fff, #181b21); --fg: light-dark(#1d2129, #eceef2);
  --soft: light-dark(#5a6270, #a9b1bf); --line: light-dark(#d9dde4, #353a45); --edge: light-dark(#767d8a, #8b93a1);
  --mine: light-dark(#eef1f6, #282d37); --accent: light-dark(#2451b3, #9db8ff); --on: light-dark(#fff, #10131a); }
:host([data-theme=light]) { color-scheme: light } :host([data-theme=dark]) { color-scheme: dark }
* { box-sizing: border-box; font: 15px/1.45 system-ui, sans-serif; }
button, input, textarea { font: inherit; color: inherit; }
button { cursor: pointer; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.launch { position: fixed; z-index: 2147483000; right: 20px; bottom: 20px; width: 56px; height: 56px; border: 0; border-radius: 50%;
  background: var(--accent); color: var(--on); box-shadow: 0 4px 16px #0005; display: grid; place-items: center; }
.launch svg { width: 26px; height: 26px; }
.badge { position: absolute; top: -2px; right: -2px; min-width: 22px; height: 22px; border-radius: 11px; padding: 0 5px;
  background: light-dark(#b3261e, #ffb4ab); color: light-dark(#fff, #410002); font-weight: 700; font-size: 13px; line-height: 22px; text-align: center; }
.panel { position: fixed; z-index: 2147483000; right: 20px; bottom: 90px; width: 370px; height: min(600px, calc(100dvh - 110px));
  background: var(--bg); color: var(--fg); border: 1px solid var(--line); border-radius: 14px; box-shadow: 0 10px 40px #0005;
  display: flex; flex-direction: column; overflow: hidden; animation: up .18s ease-out; }
[hidden] { display: none !important; }
@keyframes up { from { transform: translateY(12px); opacity: 0 } }
header { display: flex; align-items: center; gap: 8px; padding: 12px 14px; border-bottom: 1px solid var(--line); }
h2 { margin: 0; flex: 1; font-size: 16px; font-weight: 650; overflow-wrap: anywhere; }
.icon { background: none; border: 0; border-radius: 8px; width: 40px; height: 40px; display: grid; place-items: center; }
.icon svg { width: 20px; height: 20px; }
.log { flex: 1; overflow-y: auto; padding: 14px; display: flex; flex-direction: column; gap: 8px; overscroll-behavior: contain; }
.note, .state { color: var(--soft); font-size: 13.5px; margin: 0; }
.said { max-width: 85%; padding: 8px 12px; border-radius: 14px; white-space: pre-wrap; overflow-wrap: anywhere; align-self: flex-start; border: 1px solid var(--line); }
.said.mine { align-self: flex-end; background: var(--mine); }
.said time, .said .how { display: block; font-size: 12px; color: var(--soft); margin-top: 2px; }
.said a, .link { color: var(--accent); text-decoration: underline; background: none; border: 0; padding: 0; text-align: left; overflow-wrap: anywhere; }
form { border-top: 1px solid var(--line); padding: 10px 14px 14px; display: flex; flex-direction: column; gap: 8px; }
label { font-size: 13.5px; font-weight: 600; }
input, textarea { width: 100%; background: transparent; border: 1px solid var(--edge); border-radius: 9px; padding: 8px 10px; }
textarea { resize: none; height: 66px; }
.row { display: flex; gap: 8px; align-items: center; justify-content: space-between; }
.send { background: var(--accent); color: var(--on); border: 0; border-radius: 9px; min-height: 40px; padding: 0 18px; font-weight: 650; }
.error { color: light-dark(#a01c15, #ffb4ab); font-size: 13.5px; margin: 0; }
.chips { display: flex; flex-direction: column; gap: 4px; margin: 0; padding: 0; list-style: none; font-size: 13.5px; }
.trap, .sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (max-width: 480px) { .panel { inset: 0; width: auto; height: 100dvh; border: 0; border-radius: 0; } .open .launch { display: none; } }
@media (prefers-reduced-motion: reduce) { .panel { animation: none; } }
@media (forced-colors: active) { .launch, .send { border: 1px solid; } }
`;
