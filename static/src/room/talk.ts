// The room: its stream on one side, its time line, people, pins and where one writes on the other.
import type { AlertActions } from '../alerts/actions';
import type { AlertState } from '../alerts/state';
import { shown } from '../data/names';
import { keepChoice, readChoice } from '../page/choice';
import type { Fold } from '../page/fold';
import { PeopleView } from '../page/people';
import type { Person } from '../page/person';
import { SessionLog } from '../page/sessionlog';
import type { Stage } from '../page/stage';
import type { AlertView } from '../wire/alert';
import { Attendance } from './attendance';
import { roomChannel } from './channel';
import { Composer } from './composer';
import { dayOf, dayWriter } from './days';
import { RoomEdge } from './edge';
import type { Pin, RoomEvent } from './event';
import { tabKeep } from './keep';
import { LogView, type Shown } from './logview';
import { Outbox } from './outbox';
import { outRow, outSignature } from './outrow';
import { pinsOf } from './pins';
import { readMark, readMarkText } from './readmark';
import { RowMaker } from './rowmaker';
import { rowsOf } from './rows';
import { RoomStream } from './stream';
import { isStored, type TimeLine } from './timeline';
import { TypistLine } from './typistline';
import { heard, opened, sighted, type Unread } from './unread';
import type { People } from './presence';

export interface TalkParts {
  readonly root: Document;
  readonly room: { readonly id: string; readonly title: string };
  readonly stage: Stage;
  readonly fold: Fold;
  readonly person: Person;
  readonly alerts: AlertState;
  readonly actions: AlertActions;
  readonly panelTitle: (id: string) => string | null;
  /** Shows a moment of a panel: the crosshair goes there. */
  readonly jump: (pin: Pin) => void;
  readonly frame: (act: () => void) => void;
  readonly later: (ms: number, act: () => void) => void;
}

/** Most rows of the time line on the page; more can be loaded again. */
export const ROWS_MAX = 500;

const TICK_MS = 1_000;
/** Of so many ticks one looks at all rows: a day passes, an alert is over that nobody told of. */
const LOOK_EVERY = 5;

export class Talk {
  readonly log: SessionLog;
  readonly #parts: TalkParts;
  readonly #stream: RoomStream;
  readonly #outbox: Outbox;
  readonly #view: LogView;
  readonly #maker: RowMaker;
  readonly #composer: Composer;
  readonly #typists: TypistLine;
  readonly #edge: RoomEdge;
  readonly #people: PeopleView;
  readonly #attendance: Attendance;
  readonly #channel: ReturnType<typeof roomChannel>;
  #unread: Unread = { read: null, mark: null, inSight: false };
  #here: People = { named: [], unnamed: 0, youUnnamed: false };
  #asked = false;
  #ticks = 0;

  constructor(parts: TalkParts) {
    const { root, room, stage, alerts, actions, person, panelTitle, jump, later } = parts;
    const { texts, link, serverTime } = stage.parts;
    const now = (): number => serverTime.now();
    this.#parts = parts;
    this.#channel = roomChannel(link, room.id);
    this.#stream = new RoomStream(this.#channel, { changed: () => this.#ask(), happened: event => this.#happened(event), opened: line => this.#opened(line) }, later);
    this.log = new SessionLog(texts, entry => this.#stream.add(entry));
    this.#maker = new RowMaker({ texts, alerts, actions, now, comment: alert => this.#commentOn(alert), dayWords: dayWriter(texts.talk.locale), panelTitle, jump });
    this.#view = new LogView(root, texts, {
      older: () => void this.#stream.older(), newer: () => void this.#stream.newer(),
      newest: () => { if (!this.#stream.line.toEnd) void this.#stream.newest(); }, scrolled: () => this.#look(),
    });
    this.#outbox = new Outbox({
      keep: tabKeep(`outbox.${room.id}`), say: message => link.call('say', { room: room.id, ...message }),
      introduce: () => link.call('introduce', person.current()), live: () => link.state.kind === 'live', later, now,
      freshId: () => crypto.randomUUID(), refused: texts.talk.refused,
    }, () => this.#ask());
    this.#composer = new Composer(root, room.title, texts, tabKeep(`draft.${room.id}`), {
      send: (text, pin, opener) => this.#send(text, pin, opener), typed: () => this.#typists.typed(), panelTitle,
    });
    this.#typists = new TypistLine(root, link, room.id, texts, () => person.current()?.id ?? null, () => this.#showPeople());
    this.#edge = new RoomEdge(root, room.id, alerts, texts);
    this.#people = new PeopleView(root, texts, { take: name => person.take(name) });
    this.#attendance = new Attendance(this.#channel, {
      changed: people => { this.#here = people; this.#showPeople(); }, visited: entry => this.#stream.add(entry), now, me: () => person.current()?.id ?? null,
    });
  }

  start(): void {
    const { stage, fold, alerts, root } = this.#parts;
    const { link, pins } = stage.parts;
    link.client.on('connected', ctx => {
      this.#attendance.connected(ctx.client);
      this.#outbox.pump();
    });
    this.#channel.start({
      joined: whole => { this.#stream.joined(whole); void this.#attendance.joined(); },
      published: (data, offset) => this.#stream.published(data, offset),
      came: visitor => this.#attendance.came(visitor), left: visitor => this.#attendance.left(visitor),
    });
    this.#view.start();
    this.#composer.start();
    this.#typists.start();
    fold.changed = () => this.#look();
    root.addEventListener('visibilitychange', () => this.#look());
    alerts.watch(changed => { if (changed === 'facts') this.#ask(); });
    pins.point = pin => { this.#view.point(pin?.key ?? null); if (pin) stage.parts.crosshair.move(pin.time, null); };
    pins.choose = pin => { this.#open(); this.#view.reveal(pin.key); };
    setInterval(() => this.#tick(), TICK_MS);
    this.#ask();
  }

  /** Goes to where one writes, with a moment of a chart or without. */
  write(pin: Pin | null): void {
    this.#open();
    this.#composer.write(pin);
  }

  #open(): void {
    if (!this.#parts.fold.open) this.#parts.fold.toggle();
  }

  #commentOn(alert: AlertView): void {
    const panel = alert.panels.get(this.#parts.room.id)?.find(id => this.#parts.panelTitle(id) !== null);
    this.write(panel === undefined || alert.fired === null ? null : { panel, time: alert.fired });
  }

  async #send(text: string, pin: Pin | null, opener: HTMLElement): Promise<boolean> {
    const { person } = this.#parts;
    if (!(person.current() ?? await person.ask(opener))) return false;
    this.#typists.sent();
    this.#outbox.add(text, pin);
    if (!this.#stream.line.toEnd) void this.#stream.newest();
    this.#view.toEnd();
    return true;
  }

  #isMine(event: RoomEvent): boolean {
    const me = this.#parts.person.current()?.id;
    return me !== undefined && 'by' in event && event.by.id === me;
  }

  #happened(event: RoomEvent): void {
    if (event.kind === 'comment') {
      this.#outbox.arrived(event.id);
      this.#typists.wrote(event.by.id);
    }
    this.#setUnread(heard(this.#unread, event.offset, this.#isMine(event)));
  }

  #opened(line: TimeLine): void {
    for (const entry of line.entries) if (entry.kind === 'comment') this.#outbox.arrived(entry.id);
    this.#setUnread(opened(this.#unread, readMark(readChoice(this.#readKey), line.epoch), line.newest));
    this.#ask();
  }

  get #readKey(): string {
    return `read.${this.#parts.room.id}`;
  }

  #setUnread(unread: Unread): void {
    const before = this.#unread;
    this.#unread = unread;
    const { epoch } = this.#stream.line;
    if (unread.read !== null && unread.read !== before.read && epoch !== '') keepChoice(this.#readKey, readMarkText(epoch, unread.read));
  }

  /** Writes the time line once in the next frame, however much happened; a page that is not seen waits until it is. */
  #ask(): void {
    if (this.#asked) return;
    this.#asked = true;
    const act = (): void => {
      this.#asked = false;
      this.#render();
    };
    if (this.#parts.root.hidden) this.#parts.later(TICK_MS, act);
    else this.#parts.frame(act);
  }

  #render(): void {
    let rows = rowsOf(this.#stream.line, this.#unread.mark, dayOf);
    const { items } = this.#outbox;
    const over = rows.length + items.length - ROWS_MAX;
    if (over > 0) {
      this.#stream.trim(over, this.#view.atEnd ? 'old' : 'new');
      rows = rowsOf(this.#stream.line, this.#unread.mark, dayOf);
    }
    const { line } = this.#stream;
    const { texts, pins } = this.#parts.stage.parts;
    const acts = {
      again: (id: string) => this.#outbox.again(id), drop: (id: string) => void this.#outbox.take(id), panelTitle: this.#parts.panelTitle, me: () => this.#parts.person.current(),
      edit: (id: string) => { const item = this.#outbox.take(id); if (item) this.#composer.fill(item.text, item.pin); },
    };
    const shownRows: Shown[] = rows.map(row => ({ key: row.key, signature: this.#maker.signature(row), make: () => this.#maker.make(row) }));
    if (line.toEnd) for (const item of items) shownRows.push({ key: `out ${item.id}`, signature: outSignature(item), make: () => ({ element: outRow(item, texts, acts) }) });
    this.#view.show(shownRows);
    pins.set(pinsOf(line.entries));
    this.#look();
    const last = line.entries.findLast(entry => entry.kind === 'comment');
    this.#edge.last(last ? `${shown(last.by.name)}: ${shown(last.text.replaceAll(/\s+/g, ' ').slice(0, 200))}` : '');
    this.#edge.firing();
    if (this.#view.nearTop) void this.#stream.older();
  }

  /** What is in sight is read; what is not is counted. */
  #look(): void {
    const { root, fold } = this.#parts;
    const { line } = this.#stream;
    const inSight = !root.hidden && fold.open && this.#view.atEnd && line.toEnd;
    this.#setUnread(sighted(this.#unread, inSight, line.newest));
    const { read } = this.#unread;
    const count = read === null ? 0 : line.entries.filter(entry => isStored(entry) && entry.offset > read && this.#counts(entry)).length;
    this.#edge.unread(count);
    fold.unread(count);
    this.#view.news(count, line.toEnd);
  }

  /** What others wrote counts as new, and alerts that fired or ended. */
  #counts(event: RoomEvent): boolean {
    if (event.kind === 'alert') return event.alert.state === 'firing' || event.alert.state === 'resolved';
    return event.kind === 'comment' && !this.#isMine(event);
  }

  #showPeople(): void {
    this.#people.show(this.#here, this.#typists.ids);
  }

  #tick(): void {
    this.#typists.tick();
    if (this.#parts.root.hidden) return;
    this.#edge.firing();
    if (this.#parts.fold.open) this.#view.tick();
    if (++this.#ticks % LOOK_EVERY === 0) this.#ask();
  }
}
