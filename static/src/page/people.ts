// Who is in the room: faces in the top bar and in the rail, names in a list, and one's own name to be changed there.
import { shown } from '../data/names';
import { refusalText } from '../live/refusal';
import { faceAlone, faceMark, faceUnnamed } from '../room/face';
import type { People as Here, Somebody } from '../room/presence';
import type { Texts } from '../texts/texts';
import { el, icon, need, write } from './dom';

const FACES_MAX = 5;

export interface PeopleActs {
  /** Takes a name; rejects with what the server says of it. */
  readonly take: (name: string) => Promise<unknown>;
}

export class PeopleView {
  readonly #texts: Texts;
  readonly #acts: PeopleActs;
  readonly #faces: HTMLElement;
  readonly #rail: HTMLElement;
  readonly #list: HTMLElement;
  readonly #count: HTMLElement;
  #people: Here = { named: [], unnamed: 0, youUnnamed: false };
  #typing: ReadonlySet<string> = new Set();
  #naming = false;

  constructor(root: ParentNode, texts: Texts, acts: PeopleActs) {
    this.#texts = texts;
    this.#acts = acts;
    this.#faces = need('.faces', root);
    this.#rail = need('.rail-faces', root);
    this.#list = need('.people', root);
    this.#count = need('.people-open [data-here]', root);
  }

  show(people: Here, typing: ReadonlySet<string>): void {
    this.#people = people;
    this.#typing = typing;
    this.#write();
  }

  #write(): void {
    const { named, unnamed, youUnnamed } = this.#people;
    const { talk } = this.#texts;
    const all = named.length + unnamed + (youUnnamed ? 1 : 0);
    const shownFaces = named.slice(0, FACES_MAX);
    const more = all - shownFaces.length;
    this.#faces.replaceChildren(...shownFaces.map(one => el('li', {}, this.#face(one, ''))));
    if (more > 0) this.#faces.append(el('li', {}, el('span', { class: 'face is-away', title: this.#rest(more) }, el('span', { 'aria-hidden': 'true' }, `+${more}`), el('span', { class: 'sr' }, this.#rest(more)))));
    this.#rail.replaceChildren(...shownFaces.map(one => this.#face(one, ' face-small')));
    write(this.#count, all === 0 ? '' : talk.hereNow(all));
    if (this.#naming) return;
    const rows = named.map(one => (one.you ? this.#own(one) : el('li', {}, faceMark(one), el('span', {}, shown(one.name)))));
    if (youUnnamed) rows.unshift(this.#own(null));
    if (unnamed > 0) rows.push(el('li', { class: 'text-2' }, faceUnnamed('', ''), el('span', {}, talk.unnamed(unnamed))));
    this.#list.replaceChildren(...rows);
  }

  /** Those without a face of their own: the unnamed, or whom there is no room for. */
  #rest(more: number): string {
    const { named, unnamed } = this.#people;
    return named.length <= FACES_MAX && unnamed > 0 ? this.#texts.talk.unnamed(more) : this.#texts.talk.hereNow(more);
  }

  #face(one: Somebody, size: '' | ' face-small'): HTMLElement {
    const name = one.you ? this.#texts.room.withYou(shown(one.name)) : shown(one.name);
    return faceAlone(one.id, shown(one.name), this.#typing.has(one.id) ? this.#texts.talk.isTyping(name) : name, size);
  }

  /** One's own line: its name can be given or changed. */
  #own(one: Somebody | null): HTMLElement {
    const { talk, room } = this.#texts;
    const button = el('button', { class: 'btn', type: 'button' }, one ? talk.changeName : talk.giveName);
    button.addEventListener('click', () => this.#rename(one?.name ?? ''));
    return el('li', {}, one ? faceMark(one) : faceUnnamed('', ''), el('span', {}, one ? room.withYou(shown(one.name)) : talk.unnamedYou), button);
  }

  #rename(before: string): void {
    const { talk, person } = this.#texts;
    const field = el('input', { class: 'input', type: 'text', id: 'own-name', value: before, autocomplete: 'nickname', maxlength: '40', 'aria-describedby': 'own-name-problem' });
    const problem = el('p', { class: 'problem', id: 'own-name-problem', role: 'alert' });
    problem.hidden = true;
    const words = el('span');
    problem.append(icon('i-wrong'), words);
    const leave = el('button', { class: 'btn btn-ghost', type: 'button' }, person.leave);
    const form = el('form', { class: 'own-name' }, el('div', { class: 'field' }, el('label', { for: 'own-name' }, talk.yourName), field, problem),
      el('p', { class: 'hint' }, person.hint), el('div', { class: 'card-actions' }, el('button', { class: 'btn btn-primary', type: 'submit' }, talk.keep), leave));
    const done = (): void => {
      this.#naming = false;
      this.#write();
      this.#list.querySelector<HTMLElement>('button')?.focus();
    };
    leave.addEventListener('click', done);
    form.addEventListener('submit', event => {
      event.preventDefault();
      this.#acts.take(field.value).then(done, (error: unknown) => {
        problem.hidden = false;
        field.setAttribute('aria-invalid', 'true');
        write(words, refusalText(error, person.away));
        field.focus();
      });
    });
    this.#naming = true;
    const row = this.#list.firstElementChild;
    if (row) row.replaceChildren(form);
    field.focus();
    field.select();
  }
}
