import Primitives

/// Membership alone, for clusters of many machines.
enum GossipRun {
    static func run(_ scenario: Scenario, seed: UInt64, sink: ((String) -> Void)?, onProgress: (RunProgress) -> Bool) -> RunResult {
        preconditionFailure("not there yet")
    }
}
