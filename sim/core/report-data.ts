// What a report of `fleet sim run` is made from: the scenario in words and one result per fleet size.
// Types only. Times are simulated seconds from GO; every text may come from a user and is not escaped.
import type { AvailabilitySample } from "./outcome.ts";

export interface ReportData {
  /** The scenario's name. */
  readonly title: string;
  readonly artifactBytes: number;
  /** The scenario in words, in the order of reading: links, zones, faults, policy. */
  readonly facts: readonly Fact[];
  /** Ascending by nodes; without those of which no node finished. */
  readonly sizes: readonly SizeResult[];
  readonly seeds: readonly number[];
  /** Of the program that simulated. */
  readonly version: string;
  /** The command line that gives the same numbers again. */
  readonly command: string;
  /** What the scenario's author expects, and whether it came true. */
  readonly expectations: readonly Expectation[];
  /** Bounds that were beaten and promises that were broken: with one, no figure can be believed. */
  readonly violations: readonly string[];
}

export interface Fact {
  readonly label: string;
  readonly value: string;
}

export interface Expectation {
  readonly text: string;
  readonly ok: boolean;
}

/** The runs of one fleet size; each number is the median over the seeds. */
export interface SizeResult {
  readonly nodes: number;
  /** When the last node that stayed had everything, and when half and 99 % of them had. */
  readonly lastSeconds: number;
  readonly p50Seconds: number;
  readonly p99Seconds: number;
  /** No policy can be faster: the highest of the bounds that hold, and its name, `B1` to `B7`. */
  readonly boundSeconds: number;
  readonly boundId: string;
  /** The same artifact sent by the origin alone, down a binary tree, and down a chain. */
  readonly clientServerSeconds: number;
  readonly treeSeconds: number;
  readonly chainSeconds: number;
  readonly lastOverBound: number;
  readonly originBytesOverSize: number;
  /** Of the run whose last node was in the middle: when a node had everything, 101 quantiles, 0 % to 100 %. */
  readonly completionSeconds: readonly number[];
  /** Of the same run, ascending by time. */
  readonly availability: readonly AvailabilitySample[];
}
