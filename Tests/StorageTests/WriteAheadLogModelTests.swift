import Foundation
import Primitives
import Storage
import Testing

/// Random appends, truncations, compactions, faults, torn tails and reopenings against a plain model.
@Suite struct WriteAheadLogModelTests {
    private struct Model: Equatable {
        var base: UInt64 = 0
        var baseTerm: UInt64 = 0
        var entries: [LogEntry] = []
        var hardState: [UInt8]?
        var last: UInt64 { base + UInt64(entries.count) }

        mutating func apply(_ kind: LogRecord.Kind) {
            switch kind {
            case .entry(let index, let term, let payload):
                let position = Int(index - base - 1)
                if position < entries.count, entries[position].term != term { entries.removeLast(entries.count - position) }
                let entry = LogEntry(index: index, term: term, payload: payload)
                if position < entries.count { entries[position] = entry } else { entries.append(entry) }
            case .hardState(let bytes): hardState = bytes
            case .truncateFrom(let index):
                while last >= index, !entries.isEmpty { entries.removeLast() }
            case .compactedThrough(let index, let term):
                let count = Int(index - base)
                // Of another history than the snapshot.
                if count > 0, count <= entries.count, entries[count - 1].term != term { entries.removeLast(entries.count - count) }
                entries.removeFirst(min(entries.count, count))
                base = index
                baseTerm = term
            case .groupRemoved, .snapshot: break
            }
        }
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>) func agreesWithAModel(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let scratch = try Scratch()
        let saboteur = Saboteur()
        var options = LogOptions()
        options.segmentSize = 1_024 << generator.below(4)
        options.preallocation = 512
        options.maximumSegments = 2 + generator.below(3)
        var (log, groups) = try WriteAheadLog.open(scratch.path, identity: Sample.identity, options: options, system: saboteur.system)
        var models: [GroupID: Model] = [:]
        var term: UInt64 = 1
        for _ in 0..<250 {
            let group = GroupID(UInt64(generator.below(4)))
            var model = models[group] ?? Model()
            let records = draw(&generator, group, &model, &term)
            if generator.below(15) == 0 { saboteur.fillDisk(".wal", after: generator.below(200)) }
            let error = storageError { try log.append(records) }
            saboteur.set(nil)
            if error == nil {
                models[group] = records.contains { $0.kind == .groupRemoved } ? nil : model
            } else {
                guard case .noSpace = error else { return #expect(Bool(false), "\(String(describing: error))") }
            }
            guard generator.below(12) == 0 else { continue }
            log.close()
            if generator.below(2) == 0 { try tearTail(scratch, &generator) }
            (log, groups) = try WriteAheadLog.open(scratch.path, identity: Sample.identity, options: options, system: saboteur.system)
            compare(groups, models)
        }
        log.close()
        compare(try WriteAheadLog.open(scratch.path, identity: Sample.identity, options: options).groups, models)
    }

    private func draw(_ generator: inout SeededGenerator, _ group: GroupID, _ model: inout Model, _ term: inout UInt64) -> [LogRecord] {
        var records: [LogRecord] = []
        for _ in 0...generator.below(3) {
            let kind: LogRecord.Kind
            switch generator.below(20) {
            case 0...9: kind = .entry(index: model.last + 1, term: term, payload: Sample.random(generator.next(), generator.below(120)))
            case 10, 11:
                term += 1
                let index = model.last - UInt64(generator.below(min(4, model.entries.count) + 1))
                kind = .entry(index: max(index, model.base + 1), term: term, payload: [1])
            case 12, 13: kind = .hardState(Sample.random(generator.next(), 24))
            case 14: kind = .truncateFrom(max(model.base + 1, model.last))
            case 15...18: kind = .compactedThrough(index: model.base + UInt64(generator.below(model.entries.count + 1)), term: term)
            default: kind = generator.below(4) == 0 ? .compactedThrough(index: model.last + 5, term: term) : .hardState([])
            }
            model.apply(kind)
            records.append(LogRecord(group, kind))
        }
        if generator.below(40) == 0 { records = [LogRecord(group, .groupRemoved)] }
        return records
    }

    /// Half a batch behind the last one, as a crash leaves it.
    private func tearTail(_ scratch: Scratch, _ generator: inout SeededGenerator) throws {
        let last = try scratch.names("").filter { $0.hasSuffix(".wal") }.last!
        var bytes = try scratch.bytes(last)
        while bytes.last == 0 { bytes.removeLast() }
        while bytes.count % 8 != 0 { bytes.append(0) }
        // A batch may end in zeros that belong to it: leave room for any padding.
        bytes += [UInt8](repeating: 0, count: 256)
        bytes += Array("ALOG".utf8) + Sample.random(generator.next(), generator.below(90))
        try scratch.write(bytes, to: last)
    }

    private func compare(_ groups: [RecoveredGroup], _ models: [GroupID: Model]) {
        #expect(groups.map(\.group) == models.keys.sorted())
        for found in groups {
            var seen = Model()
            seen.base = found.compactedIndex
            seen.baseTerm = found.compactedTerm
            seen.entries = found.entries
            seen.hardState = found.hardState
            #expect(seen == models[found.group], "\(found.group)")
        }
    }
}
