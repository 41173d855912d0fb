import Primitives
package import Simulation
package import Storage

/// The storage's own code (`WriteAheadLog`, `ChunkStore`) on a simulated disk, driven by random operations with crashes
/// at any call, full disks, syncs that fail and decay, against plain models. One seed, one run.
package enum StorageRun {
    package static func run(seed: UInt64, mutant: StorageMutant? = nil, sink: ((String) -> Void)? = nil) -> StorageRunResult {
        var record = RunRecorder(sink: sink)
        var log = LogRun(seed: seed, mutant: mutant, onCall: sink)
        log.run(&record)
        var packs = PackRun(seed: seed, mutant: mutant, onCall: sink)
        packs.run(&record)
        return StorageRunResult(
            seed: seed, traceHash: record.hash, violations: record.violations, operations: record.operations, calls: record.calls,
            crashes: record.crashes, kills: record.kills, refusals: record.refusals)
    }
}

package struct StorageRunResult: Sendable {
    package let seed: UInt64
    package let traceHash: UInt64
    package let violations: [String]
    package let operations: UInt64
    /// Calls that the storage made on the file system.
    package let calls: UInt64
    /// Power failures, and ends of the process alone.
    package let crashes: UInt64
    package let kills: UInt64
    /// Decay that was found and named.
    package let refusals: UInt64
}

extension StorageRunResult {
    /// In the words of a run of a world; calls on the file system count as events.
    package var asRun: RunResult {
        var statistics = WorldStatistics(checks: CheckTally([.durability]))
        statistics.checks.count(.durability, operations)
        statistics.events = calls
        statistics.operations = operations
        statistics.faults = crashes + kills
        statistics.restarts = crashes + kills
        return RunResult(
            scenario: "storage", seed: seed, traceHash: traceHash, simulated: .zero,
            violations: violations.map { Violation(kind: .durability, at: 0, text: $0) }, statistics: statistics)
    }
}

/// What both parts of a run tell.
struct RunRecorder {
    private(set) var hash: UInt64 = 0x6174_6F6C_6C
    private(set) var violations: [String] = []
    var operations: UInt64 = 0
    var calls: UInt64 = 0
    var crashes: UInt64 = 0
    var kills: UInt64 = 0
    var refusals: UInt64 = 0
    private let sink: ((String) -> Void)?

    init(sink: ((String) -> Void)?) { self.sink = sink }

    mutating func line(_ text: @autoclosure () -> String, _ figure: Int = 0) {
        hash = SeededGenerator.mix(hash ^ UInt64(truncatingIfNeeded: figure))
        sink?(text())
    }

    mutating func violate(_ text: String) {
        if violations.count < 20 { violations.append(text) }
        line("VIOLATION \(text)", 77)
    }

    /// What a call threw; nil where it did not.
    static func failure(_ body: () throws(StorageError) -> Void) -> StorageError? {
        do throws(StorageError) {
            try body()
            return nil
        } catch { return error }
    }
}

/// What goes wrong next, drawn for both parts alike.
struct Mishaps {
    let crashesPercent: Int
    let syncFailsPercent: Int
    let fullPercent: Int

    /// Each seed leaves some kinds out.
    init(_ chance: inout SeededGenerator) {
        crashesPercent = [0, 5, 15][chance.below(3)]
        syncFailsPercent = [0, 0, 3, 8][chance.below(4)]
        fullPercent = [0, 0, 4][chance.below(3)]
    }

    /// Arms a mishap now and then; true where power is to fail at once. Where syncs fail, power does not fail within
    /// a call (`inCalls` false): the index of the chunks is rebuilt after a failed sync, and that it must be stands in a
    /// file which takes a moment to write.
    func draw(_ chance: inout SeededGenerator, _ disk: SimulatedFileSystem, _ record: inout RunRecorder, inCalls: Bool) -> Bool {
        if chance.below(100) < crashesPercent {
            guard inCalls || syncFailsPercent == 0 else { return true }
            let calls = chance.below([3, 10, 40][chance.below(3)])
            record.line("the machine stops after \(calls) calls", calls)
            disk.stop(after: calls)
        }
        if chance.below(100) < syncFailsPercent {
            record.line("a sync fails", 2)
            disk.failingSyncs = 1
        }
        if chance.below(100) < fullPercent {
            record.line(disk.isFull ? "the disk has room" : "the disk is full", 3)
            disk.isFull.toggle()
        }
        return false
    }
}
