import Foundation
import Primitives
import Storage
import Synchronization
import Testing

@Suite struct WriteAheadLogTests {
    private static let first = "0000000000000001.wal"

    private func open(
        _ scratch: Scratch, segment: Int = 1 << 20, segments: Int = 4, system: any FileSystem = .posix, node: UInt64 = 3
    ) throws -> (log: WriteAheadLog, groups: [RecoveredGroup]) {
        var options = LogOptions()
        options.segmentSize = segment
        options.preallocation = 1 << 12
        options.maximumSegments = segments
        let identity = StorageIdentity(cluster: Sample.identity.cluster, node: NodeID(node))
        return try WriteAheadLog.open(scratch.path, identity: identity, options: options, system: system)
    }

    private func entry(_ group: UInt64, _ index: UInt64, _ term: UInt64, _ payload: [UInt8]) -> LogRecord {
        LogRecord(GroupID(group), .entry(index: index, term: term, payload: payload))
    }

    @Test func whatIsAppendedComesBack() throws {
        let scratch = try Scratch()
        var (log, groups) = try open(scratch)
        #expect(groups == [])
        try log.append([
            entry(1, 1, 1, [1]), entry(1, 2, 1, []), LogRecord(GroupID(1), .hardState([9, 9])), entry(2, 1, 4, Sample.random(1, 100)),
        ])
        try log.append([entry(1, 3, 2, [3]), LogRecord(GroupID(2), .snapshot([5]))])
        try log.append([LogRecord(GroupID(1), .compactedThrough(index: 1, term: 1)), LogRecord(GroupID(7), .hardState([1]))])
        try log.append([LogRecord(GroupID(7), .groupRemoved)])
        #expect(try log.entries(of: GroupID(1), from: 1, through: 9).map(\.index) == [2, 3])
        #expect(log.statistics().groups == 2)
        log.close()
        #expect(storageError { try log.append([self.entry(1, 4, 2, [])]) } == .closed(path: scratch.path))
        (log, groups) = try open(scratch)
        var one = RecoveredGroup(group: GroupID(1))
        one.hardState = [9, 9]
        one.compactedIndex = 1
        one.compactedTerm = 1
        one.entries = [LogEntry(index: 2, term: 1, payload: []), LogEntry(index: 3, term: 2, payload: [3])]
        var two = RecoveredGroup(group: GroupID(2))
        two.snapshot = [5]
        two.entries = [LogEntry(index: 1, term: 4, payload: Sample.random(1, 100))]
        #expect(groups == [one, two])
        log.close()
    }

    @Test func conflictsReplaceAndGapsAreRefused() throws {
        let scratch = try Scratch()
        var (log, groups) = try open(scratch)
        try log.append((1...5).map { entry(1, $0, 1, [UInt8($0)]) })
        // The same entry again changes nothing; another term takes the rest with it.
        try log.append([entry(1, 3, 1, [3])])
        try log.append([entry(1, 4, 2, [44])])
        guard case .invalid = storageError({ try log.append([self.entry(1, 6, 2, [])]) }) else { return #expect(Bool(false)) }
        guard case .invalid = storageError({ try log.append([self.entry(1, 5, 2, [55]), self.entry(1, 7, 2, [])]) }) else {
            return #expect(Bool(false), "a refused append leaves nothing")
        }
        try log.append([LogRecord(GroupID(1), .compactedThrough(index: 20, term: 3)), entry(1, 21, 3, [21])])
        // A snapshot has it: it is passed over, with what follows it taken.
        try log.append([entry(1, 20, 3, []), entry(1, 21, 3, [21])])
        guard case .invalid = storageError({ try log.append([self.entry(1, 23, 3, [])]) }) else { return #expect(Bool(false)) }
        try log.append([LogRecord(GroupID(1), .truncateFrom(21)), entry(1, 21, 4, [22])])
        log.close()
        (log, groups) = try open(scratch)
        #expect(groups.map(\.entries) == [[LogEntry(index: 21, term: 4, payload: [22])]])
        log.close()
    }

    /// A snapshot whose entry is not the log's own: what is behind it follows another entry than the snapshot's. Raft's
    /// rule that equal entries have equal histories (log matching) would not hold after a restart.
    @Test func aSnapshotThatContradictsTheLogTakesWhatIsBehindIt() throws {
        let scratch = try Scratch()
        var (log, groups) = try open(scratch)
        try log.append((1...9).map { entry(1, $0, $0 < 4 ? 7 : 8, [UInt8($0)]) })
        try log.append((1...9).map { entry(2, $0, $0 < 4 ? 7 : 8, [UInt8($0)]) })
        try log.append([LogRecord(GroupID(1), .compactedThrough(index: 5, term: 7))])
        // In one append with the entries themselves.
        try log.append([
            entry(3, 1, 8, []), entry(3, 2, 8, []), entry(3, 3, 8, []), LogRecord(GroupID(3), .compactedThrough(index: 2, term: 7)),
        ])
        try log.append([LogRecord(GroupID(2), .compactedThrough(index: 5, term: 8))])
        #expect(try log.entries(of: GroupID(1), from: 1, through: 9).isEmpty)
        log.close()
        (log, groups) = try open(scratch)
        #expect(groups.map { $0.entries.map(\.index) } == [[], [6, 7, 8, 9], []])
        log.close()
    }

    @Test func aTornBatchIsCutAtEveryByte() throws {
        let scratch = try Scratch()
        let (log, _) = try open(scratch)
        try log.append([entry(1, 1, 1, [1, 2, 3]), LogRecord(GroupID(1), .hardState([7]))])
        let start = Int(log.statistics().bytes)
        try log.append([entry(1, 2, 1, Sample.random(1, 30)), entry(1, 3, 1, [4, 4, 4, 4, 4, 4, 4, 4])])
        let end = Int(log.statistics().bytes)
        log.close()
        let whole = try scratch.bytes(Self.first)
        try #require(end - start > 128)
        for length in start..<end {
            for tail in 0..<3 {
                // The rest of the file is cut off, zeros, or something else.
                var torn = Array(whole.prefix(length))
                if tail == 1 { torn += [UInt8](repeating: 0, count: whole.count - length) }
                if tail == 2 { torn += Sample.random(UInt64(length), end - length) }
                try scratch.write(torn, to: Self.first)
                let (again, groups) = try open(scratch)
                #expect(groups.map { $0.entries.map(\.index) } == [[1]], "cut at \(length)")
                #expect(groups.first?.hardState == [7])
                try again.append([entry(1, 2, 5, [8])])
                again.close()
                let (third, after) = try open(scratch)
                #expect(after.first?.entries.last == LogEntry(index: 2, term: 5, payload: [8]))
                third.close()
            }
        }
    }

    @Test func decayBeforeTheTailIsRefusedWithItsPlace() throws {
        let scratch = try Scratch()
        let (log, _) = try open(scratch, segment: 2_048, segments: 100)
        var offsets = [64]
        for index in 1...30 as ClosedRange<UInt64> {
            try log.append([entry(1, index, 1, Sample.random(index, 100))])
            if log.statistics().segments == 1 { offsets.append(Int(log.statistics().bytes)) }
        }
        #expect(log.statistics().segments > 2)
        log.close()
        let whole = try scratch.bytes(Self.first)
        for (position, offset) in offsets.dropLast().enumerated() {
            for byte in [0, 5, 9, 21, 30, 40, 100] {
                var bad = whole
                bad[offset + byte] ^= 1
                try scratch.write(bad, to: Self.first)
                let refused = storageError { _ = try open(scratch, segment: 2_048) }
                guard case .corrupt(let path, UInt64(offset), _) = refused, path.hasSuffix(Self.first) else {
                    return #expect(Bool(false), "batch \(position) byte \(byte): \(String(describing: refused))")
                }
                let check = try LogCheck.run(scratch.path)
                #expect(check.findings.map(\.offset) == [UInt64(offset)])
            }
        }
        try scratch.write(whole, to: Self.first)
        #expect(try LogCheck.run(scratch.path, identity: Sample.identity).entries == 30)
        // The last segment: a sound batch behind the bad one proves decay.
        let last = try scratch.names("").filter { $0.hasSuffix(".wal") }.last!
        try scratch.flip(last, at: 64 + 40)
        guard case .corrupt(let path, 64, _) = storageError({ _ = try open(scratch, segment: 2_048) }), path.hasSuffix(last) else {
            return #expect(Bool(false))
        }
        try scratch.flip(last, at: 64 + 40)
        try scratch.remove("0000000000000002.wal")
        guard case .corrupt(let missing, 0, _) = storageError({ _ = try open(scratch, segment: 2_048) }) else {
            return #expect(Bool(false))
        }
        #expect(missing.hasSuffix("2.wal"))
    }

    /// Headers are written anew as they were, wherever the first batch proves them, and batches are never touched.
    @Test func repairRestoresHeadersAndCutsNothingThatWasWhole() throws {
        let scratch = try Scratch()
        let (log, _) = try open(scratch, segment: 2_048)
        for index in 1...30 as ClosedRange<UInt64> { try log.append([entry(1, index, 1, Sample.random(index, 100))]) }
        log.close()
        let names = try scratch.names("").filter { $0.hasSuffix(".wal") }
        for name in names {
            let whole = try scratch.bytes(name)
            for byte in [0, 7, 9, 20, 30, 40, 55, 63] {
                try scratch.flip(name, at: byte)
                let (done, result) = try LogCheck.repair(scratch.path, identity: Sample.identity)
                #expect(done.count == 1 && result.isSound && result.entries == 30, "\(name) byte \(byte): \(result.findings)")
                #expect(try scratch.bytes(name) == whole, "\(name) byte \(byte)")
            }
            // Without its first batch nothing proves a header; a batch is not mended at all.
            for damage in [[20, 70], [70]] {
                for byte in damage { try scratch.flip(name, at: byte) }
                let broken = try scratch.bytes(name)
                let (done, result) = try LogCheck.repair(scratch.path, identity: Sample.identity)
                #expect(done.isEmpty && !result.isSound, "\(name): \(done)")
                #expect(try scratch.bytes(name) == broken)
                try scratch.write(whole, to: name)
            }
        }
        #expect(try LogCheck.repair(scratch.path, identity: Sample.identity).done == [])
        // Another owner's is no damage.
        #expect(
            storageError {
                _ = try LogCheck.repair(scratch.path, identity: StorageIdentity(cluster: Sample.identity.cluster, node: NodeID(4)))
            } != nil)
    }

    @Test func anotherOwnersLogIsRefused() throws {
        let scratch = try Scratch()
        let (log, _) = try open(scratch)
        #expect(storageError { _ = try open(scratch) } == .locked(path: scratch.path))
        log.close()
        guard case .foreign = storageError({ _ = try open(scratch, node: 4) }) else { return #expect(Bool(false)) }
        var header = try scratch.bytes(Self.first)
        header[60] ^= 1
        try scratch.write(header, to: Self.first)
        guard case .corrupt(_, 0, _) = storageError({ _ = try open(scratch) }) else { return #expect(Bool(false)) }
    }

    @Test func aFullDiskFailsAppendsUntilThereIsSpace() throws {
        let scratch = try Scratch()
        let saboteur = Saboteur()
        var (log, groups) = try open(scratch, segment: 1_024, system: saboteur.system)
        var index: UInt64 = 0
        var failures = 0
        for round in 0..<60 {
            if round % 3 == 1 { saboteur.fillDisk(round % 2 == 0 ? ".wal" : "", after: round * 7 % 300) } else { saboteur.set(nil) }
            let error = storageError { try log.append([entry(1, index + 1, 1, Sample.random(UInt64(round), 150))]) }
            if error == nil {
                index += 1
            } else {
                guard case .noSpace = error else { return #expect(Bool(false), "\(String(describing: error))") }
                failures += 1
            }
            if round % 10 == 9 {
                log.close()
                (log, groups) = try open(scratch, segment: 1_024, system: saboteur.system)
                #expect(groups.first?.entries.count == Int(index))
            }
        }
        #expect(failures > 5 && index > 30)
        log.close()
    }

    @Test func aFailedSyncEndsTheLog() throws {
        let scratch = try Scratch()
        let saboteur = Saboteur()
        let (log, _) = try open(scratch, system: saboteur.system)
        try log.append([entry(1, 1, 1, [1])])
        saboteur.failSyncs(".wal")
        guard case .io = storageError({ try log.append([self.entry(1, 2, 1, [2])]) }) else { return #expect(Bool(false)) }
        saboteur.set(nil)
        guard case .failed = storageError({ try log.append([self.entry(1, 2, 1, [2])]) }) else { return #expect(Bool(false)) }
        log.close()
        let (again, groups) = try open(scratch)
        #expect(groups.first?.entries.first?.payload == [1])
        again.close()
    }

    /// The power fails between the write of a batch and its sync: any of its sectors may be there or not.
    @Test(arguments: 1...20 as ClosedRange<UInt64>) func aPowerFailureTakesOnlyWhatWasNotSynced(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let scratch = try Scratch()
        let saboteur = Saboteur()
        let (log, _) = try open(scratch, segment: 16 << 10, system: saboteur.system)
        let acknowledged = UInt64(generator.below(12))
        for index in 1..<acknowledged + 1 { try log.append([entry(1, index, 1, Sample.random(index, 900))]) }
        let written = Mutex<(path: String, offset: Int, count: Int)>(("", 0, 0))
        saboteur.set { operation in
            if case .write(let path, let offset, let count) = operation { written.withLock { $0 = (path, Int(offset), count) } }
            if case .sync = operation { return .fail(errno: EIO) }
            return .proceed
        }
        let lost = (1...8).map { entry(1, acknowledged + $0, 1, Sample.random($0, 400)) }
        #expect(storageError { try log.append(lost) } != nil)
        log.close()
        let (path, offset, count) = written.withLock { $0 }
        let name = String(path.split(separator: "/").last!)
        var bytes = try scratch.bytes(name)
        for sector in stride(from: offset / 512 * 512, to: offset + count, by: 512) where generator.below(2) == 0 {
            for byte in max(sector, offset)..<min(sector + 512, offset + count) { bytes[byte] = 0 }
        }
        try scratch.write(bytes, to: name)
        let (again, groups) = try open(scratch, segment: 16 << 10)
        let found = groups.first?.entries.count ?? 0
        #expect(found == Int(acknowledged) || found == Int(acknowledged) + 8)
        again.close()
    }

    @Test func completionsComeInOrderAndShareSyncs() throws {
        let scratch = try Scratch()
        let (log, _) = try open(scratch)
        let order = Mutex<[Int]>([])
        let last = DispatchSemaphore(value: 0)
        for position in 0..<500 {
            log.append([entry(UInt64(position % 7), UInt64(position / 7 + 1), 1, [UInt8(position % 256)])]) { error in
                order.withLock { $0.append(error == nil ? position : -1) }
                if position == 499 { last.signal() }
            }
        }
        last.wait()
        #expect(order.withLock { $0 } == Array(0..<500))
        #expect(log.statistics().syncs < 500, "some of them shared a sync")
        log.close()
    }

    @Test func segmentsGoWhenNothingNeedsThem() throws {
        let scratch = try Scratch()
        var (log, groups) = try open(scratch, segment: 4_096, segments: 3)
        // A slow group writes at the beginning only, and never compacts; a busy one compacts always.
        try log.append([
            entry(9, 1, 1, [9]), entry(9, 2, 1, [99]), LogRecord(GroupID(9), .hardState([42])), LogRecord(GroupID(9), .snapshot([43])),
        ])
        for index in 1...300 as ClosedRange<UInt64> {
            try log.append([entry(1, index, 1, Sample.random(index, 200)), LogRecord(GroupID(1), .hardState([UInt8(index % 256)]))])
            if index % 5 == 0 { try log.append([LogRecord(GroupID(1), .compactedThrough(index: index, term: 1))]) }
        }
        #expect(log.statistics().segments <= 4)
        #expect(log.statistics().reclaimedSegments > 10)
        #expect(try log.entries(of: GroupID(9), from: 1, through: 2).map(\.payload) == [[9], [99]])
        log.close()
        (log, groups) = try open(scratch, segment: 4_096, segments: 3)
        #expect(groups.map(\.group) == [GroupID(1), GroupID(9)])
        #expect(groups[0].compactedIndex == 300 && groups[0].entries == [] && groups[0].hardState == [44])
        #expect(groups[1].entries.map(\.payload) == [[9], [99]] && groups[1].hardState == [42] && groups[1].snapshot == [43])
        log.close()
    }
}
