// All scenarios, those that take longest first.
import network from './scenarios/network.mjs';

export const SCENARIOS = [...network];
