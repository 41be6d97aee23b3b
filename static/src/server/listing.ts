// What is asked of a long list, and in which order its rows stand.
import type { Listing } from '../wire/server';

/** How many rows are asked for: at first, and after each wish for more. The server gives no more than the last. */
export const LIMITS = [50, 100, 200] as const;

export interface Question {
  readonly search: string;
  readonly sort: string;
  readonly limit: number;
}

/** Gives the limit after this one, or null when there are no more rows to be had. */
export function limitAfter(limit: number): number | null {
  return LIMITS.find(one => one > limit) ?? null;
}

/** What stands under a list. */
export interface Foot {
  readonly words: string;
  /** How many more can be shown now. */
  readonly more: number;
  /** Whether there are some that cannot be shown. */
  readonly unlisted: boolean;
}

interface FootWords {
  readonly some: (shown: string, matching: string, n: number) => string;
  readonly all: (written: string, n: number) => string;
}

/** Says how much of a list is seen: `200 of 10 000 connections`. */
export function footOf(answer: Pick<Listing<unknown>, 'total' | 'matching' | 'rows'>, question: Question, words: FootWords, matching: (words: string, total: string) => string, count: (n: number) => string): Foot {
  const shown = answer.rows.length;
  const some = shown < answer.matching ? words.some(count(shown), count(answer.matching), answer.matching) : words.all(count(answer.matching), answer.matching);
  const next = limitAfter(question.limit);
  const left = answer.matching - shown;
  const more = next === null || left <= 0 ? 0 : Math.min(left, next - question.limit);
  return { words: question.search === '' ? some : matching(some, count(answer.total)), more, unlisted: left > 0 && more === 0 };
}

/**
 * Gives the order of rows. While someone is at them they stand as they are; otherwise they follow the answer.
 * What was never arranged follows it, too.
 */
export function orderOf(standing: readonly string[], answered: readonly string[], isHeld: boolean): readonly string[] {
  return isHeld && standing.length > 0 ? standing : answered;
}

/** Gives the row that gets the focus after its row is gone: the one that stands in its place now, or the last. */
export function nearest(before: readonly string[], after: readonly string[], lost: string): string | null {
  const at = before.indexOf(lost);
  return at < 0 ? null : after[Math.min(at, after.length - 1)] ?? null;
}
