// Builds what the server embeds into dist/, or, with `tests`, the unit tests into node_modules/.cache/.
import { build } from 'esbuild';
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const at = path => fileURLToPath(new URL(path, import.meta.url));

async function assets() {
  await mkdir(at('dist'), { recursive: true });
  const shared = { bundle: true, minify: true, sourcemap: false, legalComments: 'none', logLevel: 'warning' };
  await Promise.all([
    build({
      ...shared, format: 'esm', target: ['es2022'], outdir: at('dist'),
      entryPoints: [at('src/app.ts'), at('src/explore.ts'), at('src/theme.ts')],
    }),
    build({ ...shared, target: ['chrome123', 'firefox120', 'safari17.5'], outdir: at('dist'), entryPoints: [at('css/app.css'), at('css/explore.css')] }),
    ...['icons.svg', 'icon.svg', 'icon-warning.svg', 'icon-critical.svg'].map(name => copyFile(at(name), at(`dist/${name}`))),
  ]);
}

async function tests() {
  const names = (await readdir(at('test'))).filter(name => name.endsWith('.test.ts'));
  await build({
    bundle: true, platform: 'node', format: 'esm', outExtension: { '.js': '.mjs' }, logLevel: 'warning',
    outdir: at('node_modules/.cache/tests'), entryPoints: names.map(name => at(`test/${name}`)),
  });
}

await (process.argv[2] === 'tests' ? tests() : assets());
