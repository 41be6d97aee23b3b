import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Announcer } from '../src/alerts/announcer';
import { Tone } from '../src/alerts/tone';
import { textsOf } from '../src/texts/texts';
import { alertOf, type AlertView } from '../src/wire/alert';

/** A switch of the page, as far as the tone knows one. */
class Switch extends EventTarget {
  checked = false;

  turn(on: boolean): void {
    this.checked = on;
    this.dispatchEvent(new Event('change'));
  }
}

/** What a browser has and this place has not; `notes` counts what was begun to play. */
function world(): { readonly kept: Map<string, string>; readonly box: Switch; readonly root: ParentNode; notes: number; contexts: number } {
  const box = new Switch();
  const made = { kept: new Map<string, string>(), box, root: { querySelectorAll: () => [box] } as unknown as ParentNode, notes: 0, contexts: 0 };
  const gain = { setValueAtTime: () => undefined, linearRampToValueAtTime: () => undefined };
  class Audio {
    readonly currentTime = 0;
    state = 'suspended';
    constructor() { made.contexts++; }
    resume(): Promise<void> { this.state = 'running'; return Promise.resolve(); }
    close(): Promise<void> { return Promise.resolve(); }
    createGain(): object { return { gain, connect: (to: unknown) => to }; }
    createOscillator(): object { return { frequency: { value: 0 }, connect: (to: unknown) => to, start: () => made.notes++, stop: () => undefined }; }
  }
  const localStorage = { getItem: (key: string) => made.kept.get(key) ?? null, setItem: (key: string, value: string) => made.kept.set(key, value) };
  for (const [name, value] of Object.entries({ document: new EventTarget(), localStorage, AudioContext: Audio })) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  return made;
}

const settled = (): Promise<void> => new Promise(done => setTimeout(done));

test('no sound until someone turns it on, and that is kept on this device', async () => {
  const here = world();
  const tone = new Tone(here.root);
  tone.start();
  assert.equal(here.box.checked, false);
  document.dispatchEvent(new Event('pointerdown'));
  tone.sound();
  assert.deepEqual([here.notes, here.contexts], [0, 0]);
  here.box.turn(true);
  await settled();
  const once = here.notes;
  assert.ok(once > 0, 'turning it on lets it be heard');
  assert.deepEqual([...here.kept.values()], ['on']);
  tone.sound();
  assert.equal(here.notes, 2 * once);
  here.box.turn(false);
  tone.sound();
  assert.equal(here.notes, 2 * once);
  assert.deepEqual([...here.kept.values()], ['off']);
  tone.stop();
});

test('a device that chose sound has it on the next page, once it was touched', async () => {
  const here = world();
  here.kept.set('watchroom.sound', 'on');
  const tone = new Tone(here.root);
  tone.start();
  assert.equal(here.box.checked, true);
  tone.sound();
  assert.equal(here.notes, 0, 'a browser lets no page sound by itself');
  document.dispatchEvent(new Event('keydown'));
  await settled();
  tone.sound();
  assert.ok(here.notes > 0);
  tone.stop();
});

test('the tone sounds once for what is newly firing and critical', () => {
  let sounds = 0;
  const announcer = new Announcer(null, { sound: () => sounds++ }, textsOf('en'));
  const alert = (id: string, severity: string, more: object = {}): AlertView => {
    const parsed = alertOf({ id, rule: 'r', name: id, severity, state: 'firing', fired: 1, silences: [], ...more });
    assert.ok(parsed);
    return parsed;
  };
  const heard = (...alerts: AlertView[]): number => {
    const before = sounds;
    announcer.read(alerts);
    return sounds - before;
  };
  const old = alert('old', 'critical');
  assert.equal(heard(old), 0, 'what fired before the page opened');
  assert.equal(heard(old, alert('w', 'warning'), alert('p', 'critical', { state: 'pending' }), alert('s', 'critical', { silences: ['1'] })), 0);
  assert.equal(heard(old, alert('a', 'critical'), alert('b', 'critical')), 1);
  assert.equal(heard(old, alert('a', 'critical'), alert('b', 'critical')), 0);
  assert.equal(heard(old, alert('a', 'critical', { fired: 2 })), 1);
});
