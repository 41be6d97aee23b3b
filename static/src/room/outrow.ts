// A message that is on its way, or that the server refused: at the end of the time line.
import { clock } from '../format/time';
import { el, icon } from '../page/dom';
import type { Texts } from '../texts/texts';
import type { Person } from '../wire/alert';
import { shown } from '../data/names';
import type { Pin } from './event';
import { faceMark } from './face';
import type { Outgoing } from './outbox';
import { richText } from './richtext';

export interface OutActs {
  readonly again: (id: string) => void;
  readonly edit: (id: string) => void;
  readonly drop: (id: string) => void;
  readonly panelTitle: (id: string) => string | null;
  readonly me: () => Person | null;
}

export function outSignature(item: Outgoing): string {
  return item.state.kind === 'refused' ? `refused ${item.state.reason}` : item.state.kind;
}

export function outRow(item: Outgoing, texts: Texts, acts: OutActs): HTMLElement {
  const { talk } = texts;
  const me = acts.me() ?? { id: '', name: '' };
  const words = item.state.kind === 'sending' || item.state.kind === 'stored' ? talk.sending : item.state.kind === 'slow' ? talk.slow : talk.waiting;
  const head = el('div', { class: 'event-head' }, el('b', {}, shown(me.name)));
  if (item.state.kind !== 'refused') head.append(el('span', { class: 'out-state' }, item.state.kind === 'stored' ? '' : words));
  const body = el('div', {}, head);
  if (item.pin) body.append(pinWords(item.pin, texts, acts));
  body.append(el('div', { class: 'rich' }, richText(item.text)));
  if (item.state.kind === 'refused') body.append(refusal(item, item.state.reason, texts, acts));
  return el('li', { class: `event${item.state.kind === 'stored' ? '' : ' is-out'}`, tabindex: '-1' }, faceMark(me), body);
}

function pinWords(pin: Pin, { talk }: Texts, acts: OutActs): HTMLElement {
  const title = acts.panelTitle(pin.panel);
  return el('span', { class: 'at-chart' }, icon('i-pin'), title === null ? talk.pinAlone(clock(pin.time)) : talk.pin(title, clock(pin.time)));
}

function refusal(item: Outgoing, reason: string, { talk }: Texts, acts: OutActs): HTMLElement {
  const button = (act: string, words: string, press: () => void): HTMLElement => {
    const made = el('button', { class: 'btn', type: 'button', 'data-act': act }, words);
    made.addEventListener('click', press);
    return made;
  };
  return el('div', { class: 'out-refused' }, el('p', { class: 'problem', role: 'alert' }, icon('i-wrong'), el('span', {}, talk.notSent(shown(reason)))),
    el('div', { class: 'card-actions' }, button('again', talk.tryAgain, () => acts.again(item.id)), button('edit', talk.edit, () => acts.edit(item.id)), button('drop', talk.drop, () => acts.drop(item.id))));
}
