import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBlocks, parseInline, safeHref } from '../src/room/markdown';
import { richLine, richText } from '../src/room/richtext';

/** As much of a document as drawing a message needs; it keeps what was made. */
class Made {
  readonly name: string;
  readonly attributes = new Map<string, string>();
  readonly children: (Made | string)[] = [];

  constructor(name: string) {
    this.name = name;
  }

  setAttribute(key: string, value: string): void {
    this.attributes.set(key, value);
  }

  append(...children: (Made | string)[]): void {
    this.children.push(...children);
  }

  get text(): string {
    return this.children.map(child => (typeof child === 'string' ? child : child.name === 'br' ? '\n' : child.text)).join('');
  }

  get all(): Made[] {
    return this.children.flatMap(child => (typeof child === 'string' ? [] : [child, ...child.all]));
  }
}

Object.assign(globalThis, { document: { createElement: (name: string) => new Made(name), createDocumentFragment: () => new Made('fragment') } });

const made = (source: string): Made => richText(source) as unknown as Made;
const tree = (source: string): string => {
  const write = (node: Made | string): string => (typeof node === 'string' ? node : `<${node.name}>${node.children.map(write).join('')}</${node.name}>`);
  return made(source).children.map(write).join('');
};

test('paragraphs, breaks and emphasis', () => {
  assert.equal(tree('one\ntwo\n\nthree'), '<p>one<br></br>two</p><p>three</p>');
  assert.equal(tree('a **bold *both*** and *it* `x*y*`'), '<p>a <b>bold <em>both</em></b> and <em>it</em> <code>x*y*</code></p>');
  assert.equal(tree('2 * 3 * 4, **open, *open and a_b_c'), '<p>2 * 3 * 4, **open, *open and a_b_c</p>');
  assert.equal(tree('\\*not\\* \\`code\\`'), '<p>*not* `code`</p>');
  assert.equal(tree('``a ` b``, ``` and `open'), '<p><code>a ` b</code>, ``` and `open</p>');
});

test('blocks of code, lists and quotes', () => {
  assert.equal(tree('see\n```sh\nrm -rf **x**\n<b>\n```\ndone'), '<p>see</p><pre><code>rm -rf **x**\n<b></code></pre><p>done</p>');
  assert.equal(tree('```\nnever closed'), '<pre><code>never closed</code></pre>');
  assert.equal(tree('- a\n- **b**\n3. c\n4. d'), '<ul><li>a</li><li><b>b</b></li></ul><ol><li>c</li><li>d</li></ol>');
  assert.equal(made('3. c').all[0]?.attributes.get('start'), '3');
  assert.equal(tree('> a\n> > b\nc'), '<blockquote><p>a</p><blockquote><p>b</p></blockquote></blockquote><p>c</p>');
  assert.equal(tree('-5 degrees, 1.5 and # no heading'), '<p>-5 degrees, 1.5 and # no heading</p>');
});

test('links go to the web and to mail, and tell nothing of this page', () => {
  const link = made('[the *graph*](https://example.org/a?b=1)').all.find(one => one.name === 'a');
  assert.deepEqual([...link?.attributes ?? []], [['href', 'https://example.org/a?b=1'], ['rel', 'noopener noreferrer'], ['target', '_blank']]);
  const bare = (source: string): string[] => made(source).all.filter(one => one.name === 'a').map(one => one.text);
  assert.deepEqual(bare('see https://example.org/x_(y), and (http://a.b/c). Xhttp://no.no'), ['https://example.org/x_(y)', 'http://a.b/c']);
  assert.deepEqual(bare('mailto:ops@example.org!'), ['mailto:ops@example.org']);
  assert.deepEqual(bare('[https://one.example](https://two.example)'), ['https://one.example']);
  assert.equal(safeHref('https://'), null);
  assert.equal(safeHref('//example.org'), null);
});

/** What people tried on other pages: all of it is text here. */
const PAYLOADS = [
  '<script>alert(1)</script>', '<img src=x onerror=alert(1)>', '<svg onload=alert(1)>', '<svg><script>alert(1)</script></svg>', '<iframe src="javascript:alert(1)">',
  '<body onload=alert(1)>', '<a href="javascript:alert(1)">x</a>', '<math><mi//xlink:href="data:x,<script>alert(4)</script>">', '<details open ontoggle=alert(1)>',
  '<input autofocus onfocus=alert(1)>', '<video><source onerror="alert(1)">', '<object data="data:text/html,<script>alert(1)</script>">', '<embed src="javascript:alert(1)">',
  '<form><button formaction=javascript:alert(1)>x', '<style>@import "javascript:alert(1)";</style>', '<link rel=stylesheet href="//evil">', '<meta http-equiv=refresh content="0;url=javascript:alert(1)">',
  '<base href="javascript:alert(1)//">', '"><script>alert(1)</script>', "'-alert(1)-'", '</textarea><script>alert(1)</script>', '</script><script>alert(1)</script>', '<!--<img src="--><img src=x onerror=alert(1)//">',
  '<noscript><p title="</noscript><img src=x onerror=alert(1)>">', '<template><img src=x onerror=alert(1)></template>', '<marquee onstart=alert(1)>', '<isindex type=image src=1 onerror=alert(1)>',
  '&lt;script&gt;alert(1)&lt;/script&gt;', '&#60;script&#62;alert(1)', '\u003cscript\u003ealert(1)\u003c/script\u003e', '{{constructor.constructor("alert(1)")()}}', '${alert(1)}',
  '[x](javascript:alert(1))', '[x](JaVaScRiPt:alert(1))', '[x](java\tscript:alert(1))', '[x]( javascript:alert(1))', '[x](\u0001javascript:alert(1))', '[x](data:text/html;base64,PHNjcmlwdD4=)',
  '[x](vbscript:msgbox(1))', '[x](file:///etc/passwd)', '[x](//evil.example)', '[x](/admin)', '[x](https:evil)', '[x](blob:https://a/b)', '[x](javascript&colon;alert(1))', '[x](https://a" onmouseover="alert(1))',
  '![x](https://evil.example/track.png)', '![x](javascript:alert(1))', '[![x](javascript:alert(1))](javascript:alert(1))', '<https://a.example/"onload="alert(1)>', '**<img src=x onerror=alert(1)>**',
  '> <script>alert(1)</script>', '- <script>alert(1)</script>', '1. <img src=x onerror=alert(1)>', '`<script>alert(1)</script>`', '```html\n<script>alert(1)</script>\n```', '[a]: javascript:alert(1)\n\n[a]',
  '[x][y]\n\n[y]: javascript:alert(1)', '\u202e<script>alert(1)</script>', 'javascript:alert(1)', 'javascript://example.org/%0aalert(1)', '__proto__', 'constructor', '<a\u2028href=javascript:alert(1)>', '\u0000<script>',
];

const DRAWN = new Set(['p', 'br', 'b', 'em', 'code', 'pre', 'ul', 'ol', 'li', 'blockquote', 'a']);
const ATTRIBUTES: ReadonlyMap<string, ReadonlySet<string>> = new Map([['a', new Set(['href', 'rel', 'target'])], ['ol', new Set(['start'])], ['pre', new Set(['tabindex'])], ['p', new Set(['dir'])], ['li', new Set(['dir'])]]);

test(`${PAYLOADS.length} attacks are drawn as text`, () => {
  assert.ok(PAYLOADS.length >= 40);
  for (const payload of PAYLOADS) {
    for (const source of [payload, `**${payload}**`, `> ${payload}`, `[${payload}](${payload})`, `\`${payload}`, `a\n- ${payload}`]) {
      for (const whole of [made(source), richLine(source) as unknown as Made]) {
        for (const one of whole.all) {
          assert.ok(DRAWN.has(one.name), `${source}: ${one.name}`);
          for (const [key, value] of one.attributes) {
            assert.ok(ATTRIBUTES.get(one.name)?.has(key), `${source}: ${one.name} ${key}`);
            if (key === 'href') assert.match(value, /^(https?:\/\/[^/]|mailto:)/, source);
          }
        }
      }
    }
    const tags = payload.match(/<[a-z]+/gi) ?? [];
    for (const tag of tags) assert.ok(made(payload).text.includes(tag), `${payload} keeps ${tag}`);
  }
});

test('a message as long as it may be is parsed in a moment, whatever it holds', () => {
  const started = performance.now();
  for (const piece of ['*', '**', '`', '[', '](', '[a](', '> ', '- ', '**a ', '*a*', '[[', 'https://a)', '\\', '```\n', '> - ', '((((', 'http://((', '`a``']) {
    parseBlocks(piece.repeat(Math.ceil(4000 / piece.length)));
    parseInline(piece.repeat(Math.ceil(4000 / piece.length)));
  }
  assert.ok(performance.now() - started < 2_000, `${performance.now() - started} ms`);
});
