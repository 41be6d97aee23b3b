// Events of a room, as they are stored: parsed once, here. docs/protocol.md is the other end.
import { alertOf, personOf, type AlertView, type Person } from '../wire/alert';
import { isFields, number, text, type Fields } from '../wire/parse';
import { silenceOf, type SilenceView } from '../wire/rule';

/** A moment of a chart. */
export interface Pin {
  readonly panel: string;
  readonly time: number;
}

interface Stored {
  /** Tells it from all others of the room: the same in every copy. */
  readonly key: string;
  /** Its place in the stream; grows. */
  readonly offset: number;
  /** When the server took it, ms. */
  readonly at: number;
}

export interface CommentEvent extends Stored {
  readonly kind: 'comment';
  /** The author's own id of it: what is sent and what comes back are one. */
  readonly id: string;
  readonly by: Person;
  readonly text: string;
  readonly pin: Pin | null;
}

export interface AlertEvent extends Stored {
  readonly kind: 'alert';
  readonly alert: AlertView;
}

/** What a card tells of: an event that is stored, or one that is about to be. */
export type AlertMoment = Pick<AlertEvent, 'at' | 'alert'>;

export interface AckEvent extends Stored {
  readonly kind: 'ack' | 'unack';
  readonly by: Person;
  /** Id of the alert, and the name of its rule. */
  readonly alert: string;
  readonly name: string;
  readonly reason: string;
}

export interface SilenceEvent extends Stored {
  readonly kind: 'silence' | 'silence_end';
  readonly by: Person;
  readonly silence: SilenceView;
}

export type RoomEvent = CommentEvent | AlertEvent | AckEvent | SilenceEvent;

export function pinOf(value: unknown): Pin | null {
  if (!isFields(value)) return null;
  const [panel, time] = [text(value['panel']), number(value['time'])];
  return panel === '' || time === null ? null : { panel, time };
}

/** Parses the data of one publication, or gives null for what this page does not know. */
export function eventOf(data: unknown, offset: number): RoomEvent | null {
  if (!isFields(data)) return null;
  const [type, id, at] = [text(data['type']), text(data['id']), number(data['at'])];
  if (id === '' || at === null) return null;
  const stored = { key: `${type}:${id}`, offset, at };
  const by = personOf(data['by']);
  switch (type) {
    case 'comment': return by && { ...stored, kind: type, id, by, text: text(data['text']), pin: pinOf(data['pin']) };
    case 'alert': return withAlert(stored, data);
    case 'ack':
    case 'unack': return by && { ...stored, kind: type, by, alert: text(data['alert']), name: text(data['name']), reason: text(data['reason']) };
    case 'silence':
    case 'silence_end': {
      const silence = silenceOf(data['silence']);
      return by && silence && { ...stored, kind: type, by, silence };
    }
    default: return null;
  }
}

function withAlert(stored: Stored, data: Fields): AlertEvent | null {
  const alert = alertOf(data['alert']);
  return alert && { ...stored, kind: 'alert', alert };
}
