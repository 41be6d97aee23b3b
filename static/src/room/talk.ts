// The room: its stream on one side, its time line, people, pins and where one writes on the other.
import type { AlertActions } from '../alerts/actions';
import type { AlertState } from '../alerts/state';
import { need } from '../page/dom';
import type { Fold } from '../page/fold';
import { PeopleView } from '../page/people';
import type { Person } from '../page/person';
import { SessionLog } from '../page/sessionlog';
import type { Stage } from '../page/stage';
import { withAhead } from './ahead';
import { announceFiring } from './announce';
import { Attendance } from './attendance';
import { roomChannel, type RoomChannel } from './channel';
import { dayOf, dayWriter } from './days';
import { RoomEdge } from './edge';
import type { Pin, RoomEvent } from './event';
import { deviceKeep } from './keep';
import { LogView } from './logview';
import { pinOfAlert } from './moment';
import { pinsOf } from './pins';
import type { People } from './presence';
import { RowMaker } from './rowmaker';
import { isPlaced, rowsOf, type Row } from './rows';
import { Redraw } from './redraw';
import { RoomStream } from './stream';
import { Seen } from './seen';
import { oldestOffset, type TimeLine } from './timeline';
import { Trails } from './trails';
import { Writing } from './writing';

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
  readonly #seen: Seen;
  readonly #view: LogView;
  readonly #maker: RowMaker;
  readonly #writing: Writing;
  readonly #edge: RoomEdge;
  readonly #people: PeopleView;
  readonly #attendance: Attendance;
  readonly #channel: RoomChannel;
  readonly #redraw: Redraw;
  #here: People = { named: [], unnamed: 0, youUnnamed: false };
  #ticks = 0;

  constructor(parts: TalkParts) {
    const { root, room, stage, alerts, actions, person, panelTitle, jump, later } = parts;
    const { texts, link, serverTime } = stage.parts;
    const now = (): number => serverTime.now();
    this.#parts = parts;
    this.#redraw = new Redraw(root, later, () => this.#render());
    this.#channel = roomChannel(link, room.id);
    this.#stream = new RoomStream(this.#channel, { changed: () => this.#redraw.ask(), happened: event => this.#happened(event), opened: (line, stood) => this.#opened(line, stood) }, later);
    this.#seen = new Seen(deviceKeep(`read.${room.id}`), event => 'by' in event && event.by.id === person.current()?.id);
    this.log = new SessionLog(texts, entry => this.#stream.add({ ...entry, at: Math.min(entry.at, now()) }));
    this.#maker = new RowMaker({ texts, alerts, actions, now, comment: alert => this.write(pinOfAlert(alert, room.id, panelTitle)), dayWords: dayWriter(texts.talk.locale), panelTitle, jump, ink: stage.parts.ink, trails: new Trails((method, request) => link.call(method, request)) });
    this.#view = new LogView(root, texts, {
      // Not while the last page is not written yet: the top is near only until it is.
      older: () => { if (!this.#redraw.isPending) void this.#stream.older(); }, newer: () => void this.#stream.newer(),
      newest: () => this.#toEnd(), scrolled: () => this.#look(),
    });
    this.#writing = new Writing({
      root, room, texts, link, person, panelTitle, now, later, changed: () => this.#redraw.ask(), oldest: () => oldestOffset(this.#stream.line), typing: () => this.#showPeople(), wrote: () => this.#toEnd(),
    });
    this.#edge = new RoomEdge(root, room.id, alerts, texts);
    this.#people = new PeopleView(root, texts, { take: name => person.take(name) });
    this.#attendance = new Attendance(this.#channel, {
      changed: people => { this.#here = people; this.#showPeople(); }, visited: entry => this.#stream.add(entry), named: (before, who, name) => this.#stream.named(before, who, name), now, me: () => person.current()?.id ?? null,
    });
  }

  start(): void {
    const { stage, fold, alerts, root } = this.#parts;
    const { link, pins } = stage.parts;
    link.client.on('connected', ctx => {
      this.#attendance.connected(ctx.client);
      this.#writing.connected();
    });
    this.#channel.start({
      joined: whole => { this.#stream.joined(whole); void this.#attendance.joined(); },
      published: (data, offset) => this.#stream.published(data, offset),
      came: visitor => this.#attendance.came(visitor), left: visitor => this.#attendance.left(visitor),
    });
    this.#view.start();
    this.#writing.start();
    fold.changed = () => this.#look();
    root.addEventListener('visibilitychange', () => this.#look());
    alerts.watch(changed => { if (changed === 'facts') this.#redraw.ask(); });
    pins.point = pin => { this.#view.point(pin?.key ?? null); if (pin) stage.parts.crosshair.move(pin.time, null); };
    pins.choose = pin => { this.#open(); this.#view.reveal(pin.key); };
    setInterval(() => this.#tick(), TICK_MS);
    this.#redraw.ask();
  }

  /** Goes to where one writes, with a moment of a chart or without. */
  write(pin: Pin | null): void {
    this.#open();
    this.#writing.write(pin);
  }

  #open(): void {
    if (!this.#parts.fold.open) this.#parts.fold.toggle();
  }

  /** Follows the end; reads the newest page where newer ones were dropped. */
  #toEnd(): void {
    if (this.#stream.line.toEnd) this.#view.toEnd();
    else void this.#stream.newest().then(() => this.#view.toEnd());
  }

  #happened(event: RoomEvent): void {
    if (event.kind === 'comment') this.#writing.arrived(event, true);
    if (event.kind === 'alert') announceFiring(event, this.#parts.stage.parts.serverTime.now(), need('[data-room-announce]', this.#parts.root), this.#parts.stage.parts.texts);
    this.#seen.heard(event, this.#stream.line);
  }

  #opened(line: TimeLine, stood: number): void {
    for (const entry of line.entries) if (entry.kind === 'comment') this.#writing.arrived(entry, false);
    this.#writing.opened();
    this.#seen.opened(line, stood);
    this.#redraw.ask();
  }

  #rows(): Row[] {
    const { alerts, room } = this.#parts;
    return rowsOf(withAhead(this.#stream.line, alerts.all(), room.id), this.#seen.mark, dayOf);
  }

  #render(): void {
    let rows = this.#rows();
    const own = this.#writing.rows;
    const over = rows.length + own.length - ROWS_MAX;
    if (over > 0) {
      this.#stream.trim(over, this.#view.farSide);
      rows = this.#rows();
    }
    const { line } = this.#stream;
    const { pins } = this.#parts.stage.parts;
    this.#view.show([
      ...rows.map(row => ({ key: row.key, signature: this.#maker.signature(row), isPlaced: isPlaced(row), make: () => this.#maker.make(row) })), ...(line.toEnd ? own : []),
    ], line.toEnd);
    pins.set(pinsOf(line.entries));
    this.#look();
    this.#edge.last(line.entries);
    this.#edge.firing();
    if (this.#view.nearTop) void this.#stream.older();
  }

  /** What is in sight is read; what is not is counted. */
  #look(): void {
    const { root, fold } = this.#parts;
    const { line } = this.#stream;
    const inSight = !root.hidden && fold.open && this.#view.atEnd;
    this.#seen.sighted(inSight, line);
    const count = this.#seen.count(line);
    this.#edge.unread(count);
    fold.unread(count);
    this.#view.news(count);
  }

  #showPeople(): void {
    this.#people.show(this.#here, this.#writing.typing);
  }

  #tick(): void {
    this.#writing.tick();
    if (this.#parts.root.hidden) return;
    this.#edge.firing();
    if (this.#parts.fold.open) this.#view.tick();
    if (++this.#ticks % LOOK_EVERY === 0) this.#redraw.ask();
  }
}
