import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonProblem } from '../src/server/jsonplace';
import { problemWords } from '../src/server/publishform';
import { markedLine } from '../src/format/marked';
import { textsOf } from '../src/texts/texts';

const texts = textsOf('en');

function check(text: string, fault: string, line: number, column: number): void {
  const problem = jsonProblem(text);
  assert.ok(problem, text);
  assert.deepEqual([problem.fault, problem.line, problem.column], [fault, line, column], text);
  assert.throws(() => JSON.parse(text), text);
}

test('the first place that is no JSON is named', () => {
  check('', 'empty', 1, 1);
  check(' \n ', 'empty', 1, 1);
  check('{\n  "a": 1,\n}', 'trailing', 3, 1);
  check('[1, 2,]', 'trailing', 1, 7);
  check('[,]', 'value', 1, 2);
  check('{a: 1}', 'key', 1, 2);
  check("{'a': 1}", 'key', 1, 2);
  check('{"a" 1}', 'colon', 1, 6);
  check('{"a": 1 "b": 2}', 'comma', 1, 9);
  check('[1}', 'comma', 1, 3);
  check('{"a": }', 'value', 1, 7);
  check('{} {}', 'more', 1, 4);
  check('[1, 2', 'end', 1, 6);
  check('{"a": "b\n"}', 'string', 1, 7);
  check('"open', 'string', 1, 1);
  check('"a\tb"', 'control', 1, 3);
  check('"a\\x"', 'escape', 1, 3);
  check('"\\u12g4"', 'escape', 1, 2);
  check('[01]', 'number', 1, 2);
  check('[1.]', 'number', 1, 2);
  check('[-]', 'number', 1, 2);
  check('[+1]', 'value', 1, 2);
  check('[NaN]', 'value', 1, 2);
  check('truely', 'value', 1, 1);
  check('["жж😀", x]', 'value', 1, 9);
  check(']', 'value', 1, 1);
});

test('what is JSON has no problem, but for a number that would be sent as another', () => {
  for (const good of ['0', '-1.5e+9', '""', '"\\u00e9\\n"', 'null', '[]', '{}', ' {"a": [1, {"b": [true, false]}], "": ""}\n', '9007199254740991']) assert.equal(jsonProblem(good), null, good);
  assert.equal(jsonProblem('{"id": 12345678901234567890}')?.fault, 'exact');
  assert.equal(jsonProblem('[1e400]')?.fault, 'exact');
});

test('it says the same as the parser of the language, and is not stopped by depth', () => {
  const seeds = ['{"a": [1, -2.5e3, "x\\n", {"b": null}], "c": true}', '[[], {}, [{"k": "v"}], "\\u0041"]', '{"n": 0, "m": {"o": [false]}}'];
  const letters = '{}[]",:\\0123.-+eEtruefalsn \n\tu/';
  let random = 7;
  const next = (below: number): number => {
    random = (random * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((random / 2_147_483_648) * below);
  };
  let bad = 0;
  for (let i = 0; i < 20_000; i++) {
    let text = seeds[i % seeds.length] ?? '';
    for (let edits = next(3) + 1; edits > 0; edits--) {
      const at = next(text.length);
      text = text.slice(0, at) + (next(3) === 0 ? '' : letters[next(letters.length)] ?? '') + text.slice(at + next(2));
    }
    let parses = true;
    try { JSON.parse(text); } catch { parses = false; }
    const problem = jsonProblem(text);
    if (problem?.fault === 'exact') continue;
    assert.equal(problem === null, parses, text);
    if (problem) bad++;
    if (problem) assert.ok(problem.at >= 0 && problem.at <= text.length);
  }
  assert.ok(bad > 5_000 && bad < 20_000, `${bad} of the texts are no JSON`);
  assert.equal(jsonProblem('['.repeat(200_000) + ']'.repeat(200_000)), null);
});

test('every fault has words, and the place is marked', () => {
  const problem = jsonProblem('{\n  "a": [1, 2,],\n}');
  assert.ok(problem);
  assert.equal(problemWords(problem, texts), 'Line 2, column 14: the comma before this is one too many.');
  assert.equal(markedLine('{\n  "a": [1, 2,],\n}', problem), '  "a": [1, 2,],\n             ^');
  const far = jsonProblem(`["${'ж'.repeat(100)}" x, "${'y'.repeat(100)}"]`);
  assert.ok(far);
  const [line = '', mark = ''] = markedLine(`["${'ж'.repeat(100)}" x, "${'y'.repeat(100)}"]`, far).split('\n');
  assert.equal(line[mark.indexOf('^')], 'x');
  assert.ok(line.startsWith('…') && line.endsWith('…') && line.length < 60);
  const end = jsonProblem('[1');
  assert.ok(end);
  assert.equal(markedLine('[1', end), '[1\n  ^');
});
