import { existsSync, readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import path from "node:path";
import tailwindcss from "@tailwindcss/vite";
import { defineConfig } from "vite";

const here = path.dirname(fileURLToPath(import.meta.url));
const source = path.resolve(here, "../src/kith");
const web = path.join(source, "web");
const icons = path.join(here, "node_modules/lucide-static/icons");

function* filesUnder(folder, wanted) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (["dist", "__pycache__", "node_modules"].includes(entry.name)) continue;
    const full = path.join(folder, entry.name);
    if (entry.isDirectory()) yield* filesUnder(full, wanted);
    else if (wanted.test(entry.name)) yield full;
  }
}

// Names of icons as they are written: icon("mail"), icon_name="mail", a manifest's icon = "mail"; these must exist. A macro
// may also get a name by its place, so every quoted word of a template that is an icon's name counts.
function iconsUsed() {
  const names = new Set();
  const mention = /\bicon(?:_name)?\s*(?:\(|=|:|"\s*:)\s*"([a-z0-9-]+)"/g;
  const places = [
    ...filesUnder(web, /\.(html|py)$/),
    ...filesUnder(path.join(source, "connectors"), /^manifest\.toml$/),
    ...filesUnder(path.join(here, "src"), /\.js$/),
  ];
  for (const place of places) {
    const text = readFileSync(place, "utf8");
    for (const found of text.matchAll(mention)) names.add(found[1]);
    if (!place.endsWith(".html")) continue;
    for (const found of text.matchAll(/"([a-z0-9]+(?:-[a-z0-9]+)*)"/g)) {
      if (existsSync(path.join(icons, `${found[1]}.svg`))) names.add(found[1]);
    }
  }
  return [...names].sort();
}

// One SVG sprite of exactly the icons that are used; a name that Lucide doesn't have stops the build.
function iconSprite() {
  return {
    name: "kith-icon-sprite",
    generateBundle() {
      const symbols = iconsUsed().map((name) => {
        let svg;
        try {
          svg = readFileSync(path.join(icons, `${name}.svg`), "utf8");
        } catch {
          throw new Error(`there is no Lucide icon "${name}"`);
        }
        const inner = svg.replace(/<!--.*?-->/gs, "").replace(/^[^]*?<svg[^>]*>/, "").replace(/<\/svg>\s*$/, "");
        return `<symbol id="${name}" viewBox="0 0 24 24">${inner.replace(/\s*\n\s*/g, "")}</symbol>`;
      });
      const sprite = `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>\n`;
      this.emitFile({ type: "asset", name: "icons.svg", originalFileName: "icons.svg", source: sprite });
    },
  };
}

// The chat window's styles are text to the bundler, which does not make it shorter by itself.
function chatStyles() {
  return {
    name: "kith-chat-styles",
    transform(code, id) {
      if (!id.endsWith("/chat/style.js")) return null;
      return code.replace(/`[^`]*`/s, (css) => css.replace(/\s+/g, " ").replace(/ ?([{};,>]) ?/g, "$1").replace(/: /g, ":").replaceAll(";}", "}").trim());
    },
  };
}

export default defineConfig({
  root: here,
  base: "/static/dist/",
  publicDir: path.join(here, "public"),
  plugins: [tailwindcss(), iconSprite(), chatStyles()],
  build: {
    outDir: path.join(web, "static/dist"),
    emptyOutDir: true,
    manifest: "manifest.json",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    rollupOptions: { input: { style: path.join(here, "src/app.css"), app: path.join(here, "src/app.js"), plain: path.join(here, "src/plain.js"), webauthn: path.join(here, "src/webauthn.js"), chat: path.join(here, "chat/chat.js") } },
  },
});
