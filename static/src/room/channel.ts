// The channel of a room, as this page needs it: one subscription for the time line and for who is here.
import type { ClientInfo, HistoryOptions, PublicationContext } from 'centrifuge';
import type { Link } from '../live/link';
import { isFields, text } from '../wire/parse';

/** One connection in a room. `user` is the person's id, '' for who did not say a name. */
export interface Visitor {
  readonly client: string;
  readonly user: string;
  readonly name: string;
}

/** A stretch of the stream in the order in which it was asked for. */
export interface Past {
  readonly publications: readonly { readonly data: unknown; readonly offset: number }[];
  readonly newest: number;
  readonly epoch: string;
}

export interface Heard {
  /** Joined; `whole` when nothing was missed since the last time. */
  joined(whole: boolean): void;
  published(data: unknown, offset: number): void;
  came(visitor: Visitor): void;
  left(visitor: Visitor): void;
}

export interface RoomChannel {
  start(heard: Heard): void;
  stop(): void;
  history(options: HistoryOptions): Promise<Past>;
  presence(): Promise<readonly Visitor[]>;
}

function visitorOf(info: ClientInfo): Visitor {
  const said: unknown = info.connInfo;
  return { client: info.client, user: info.user, name: isFields(said) ? text(said['name']) : '' };
}

function stored({ data, offset }: PublicationContext): { data: unknown; offset: number } {
  return { data, offset: offset ?? 0 };
}

/** Gives the channel of a room over the page's link. */
export function roomChannel(link: Link, room: string): RoomChannel {
  const subscription = link.subscription(`@room:${room}`, undefined);
  return {
    start(heard) {
      subscription.on('subscribed', ctx => heard.joined(ctx.wasRecovering && ctx.recovered));
      subscription.on('publication', ctx => heard.published(ctx.data, ctx.offset ?? 0));
      subscription.on('join', ctx => heard.came(visitorOf(ctx.info)));
      subscription.on('leave', ctx => heard.left(visitorOf(ctx.info)));
      subscription.subscribe();
    },
    stop() {
      subscription.unsubscribe();
      subscription.removeAllListeners();
    },
    async history(options) {
      const found = await subscription.history(options);
      return { publications: found.publications.map(stored), newest: found.offset, epoch: found.epoch };
    },
    async presence() {
      const found = await subscription.presence();
      return Object.values(found.clients).map(visitorOf);
    },
  };
}
