import Chunks
import Primitives
import Storage

/// The chunk store on a simulated disk, its index in SQLite included.
struct PackRun {
    private static let directory = "/node/chunks"

    private var chance: SeededGenerator
    private let disk: SimulatedFileSystem
    private let mishaps: Mishaps
    private var options = ChunkStoreOptions()
    private var store: ChunkStore?
    /// All that was ever put, by name, in the order in which it came.
    private var contents: [ChunkID: [UInt8]] = [:]  // looked up only
    private var names: [ChunkID] = []
    /// Acknowledged, and not deleted since.
    private var held: Set<ChunkID> = []  // looked up only
    /// Bits that decayed and whose chunk is not known: each may cost one chunk.
    private var losses = 0
    /// Chunks that were found decayed. The store may forget that at a crash, and take the decayed copy for a sound one.
    private var decayed: Set<ChunkID> = []  // looked up only
    private let rots: Bool

    init(seed: UInt64, mutant: StorageMutant?, onCall: ((String) -> Void)? = nil) {
        chance = SeededGenerator(seed: SeededGenerator.mix(seed) ^ 0x7061_636B)
        disk = SimulatedFileSystem(seed: ~seed)
        disk.onCall = onCall
        mishaps = Mishaps(&chance)
        options.packSize = 4_096 << UInt64(chance.below(4))
        options.cacheBytes = chance.below(2) == 0 ? 0 : 1 << 20
        options.workers = 1
        options.reserveBytes = 0
        options.compressionLevel = chance.below(2) == 0 ? 0 : 1
        options.fragmentationThreshold = [0.3, 0.5, 0.9][chance.below(3)]
        options.hollowBytes = [1, 4_096][chance.below(2)]
        options.now = { Instant(nanoseconds: 1) }
        options.mutant = mutant
        disk.writebackOneIn = [0, 2, 8][chance.below(3)]
        rots = chance.below(4) == 0
    }

    mutating func run(_ record: inout RunRecorder) {
        let steps = 20 + chance.below(120)
        var step = 0
        while step < steps, record.violations.isEmpty {
            step += 1
            if mishaps.draw(&chance, disk, &record, inCalls: false) { stop(losesPower: true, &record) }
            guard let store else {
                open(&record)
                continue
            }
            record.operations += 1
            switch chance.below(60) {
            case 0: stop(losesPower: true, &record)
            case 1: stop(losesPower: false, &record)
            case 2: close(&record)
            case 3: if rots { decay(&record) }
            case 4...6: compact(store, &record)
            case 7: scrub(store, &record)
            case 8...13: delete(store, &record)
            case 14...27: read(store, &record)
            case 28...40: stage(store, &record)
            default: put(store, &record)
            }
            if disk.isDown { stop(losesPower: chance.below(5) > 0, &record) }
        }
        end(&record)
        record.calls += disk.calls
    }

    private mutating func end(_ record: inout RunRecorder) {
        guard record.violations.isEmpty else {
            store = nil
            return
        }
        stop(losesPower: chance.below(2) == 0, &record)
        disk.isFull = false
        if chance.below(4) == 0 { loseIndex(&record) }
        open(&record)
        if store == nil, record.violations.isEmpty { record.violate("the chunk store: it does not open on a healthy disk") }
        try? store?.close()
        store = nil
    }

    private mutating func stop(losesPower: Bool, _ record: inout RunRecorder) {
        record.line(losesPower ? "power fails" : "the process ends", losesPower ? 5 : 6)
        if losesPower { record.crashes += 1 } else { record.kills += 1 }
        disk.restart(losesPower: losesPower)
        store = nil
    }

    private mutating func close(_ record: inout RunRecorder) {
        record.line("close", 4)
        try? store?.close()
        store = nil
    }

    private mutating func loseIndex(_ record: inout RunRecorder) {
        record.line("the index is gone", 11)
        for suffix in ["", "-wal"] { try? disk.remove(Self.directory + "/index.sqlite" + suffix) }
    }

    private mutating func open(_ record: inout RunRecorder) {
        let failure = RunRecorder.failure { () throws(StorageError) in
            store = try ChunkStore(Self.directory, options: options, system: disk)
        }
        if let failure {
            record.line("open fails: \(failure)", 7)
            store = nil
            if case .corrupt = failure { return record.violate("the chunk store refuses what a crash left: \(failure)") }
            if disk.isDown { stop(losesPower: chance.below(2) == 0, &record) }
            disk.isFull = false
            return
        }
        record.line("open", 12)
        verify(&record)
    }

    /// Everything acknowledged is there, and nothing that nobody put.
    private mutating func verify(_ record: inout RunRecorder) {
        guard let store else { return }
        var listed: [ChunkID] = []
        let failure = RunRecorder.failure { () throws(StorageError) in
            var after: ChunkID?
            while true {
                let page = try store.list(after: after, limit: 100)
                guard let last = page.last else { break }
                listed += page.map(\.id)
                after = last.id
            }
        }
        if let failure {
            record.line("list fails: \(failure)", 13)
            if !isExcused(failure) { record.violate("the chunk store cannot list: \(failure)") }
            return
        }
        if let stranger = listed.first(where: { contents[$0] == nil }) { return record.violate("chunk \(stranger.hex) was never put") }
        record.line("\(listed.count) chunks", listed.count)
        for name in names where held.contains(name) {
            check(name, store, &record)
            if disk.isDown || !record.violations.isEmpty { return }
        }
    }

    /// Errors that the disk makes, whatever the store does.
    private func isExcused(_ failure: StorageError) -> Bool {
        if disk.isDown || disk.isFull { return true }
        switch failure {
        case .io, .index, .noSpace, .lostBeforeSync: return mishapsAreOn
        default: return false
        }
    }

    private var mishapsAreOn: Bool { mishaps.syncFailsPercent > 0 || mishaps.crashesPercent > 0 || mishaps.fullPercent > 0 }

    private mutating func check(_ name: ChunkID, _ store: ChunkStore, _ record: inout RunRecorder) {
        var bytes: [UInt8] = []
        let failure = RunRecorder.failure { () throws(StorageError) in bytes = try store.get(name) }
        switch failure {
        case nil:
            if bytes != contents[name] { record.violate("chunk \(name.hex) is given with other bytes than it was put with") }
        case .missingChunk?, .corruptChunk?:
            guard held.contains(name) else { return }
            held.remove(name)
            if decayed.contains(name) { return }
            guard losses > 0 else { return record.violate("chunk \(name.hex) was acknowledged: \(failure!)") }
            losses -= 1
            decayed.insert(name)
            record.refusals += 1
        case .some(let error): if !isExcused(error) { record.violate("chunk \(name.hex): \(error)") }
        }
    }

    // MARK: Operations

    /// New bytes, or some that were put before.
    private mutating func drawChunk() -> (ChunkID, [UInt8]) {
        if !names.isEmpty, chance.below(4) == 0 {
            let name = names[chance.below(names.count)]
            return (name, contents[name]!)
        }
        let count = [0, 40, 700, 6_000][chance.below(4)] + chance.below(300)
        let isPlain = chance.below(3) == 0
        var bytes = [UInt8](repeating: UInt8(ascii: "a"), count: count)
        bytes.withUnsafeMutableBytes { out in
            for place in stride(from: 0, to: isPlain ? min(count, 16) : count, by: 8) {
                withUnsafeBytes(of: chance.next()) { word in
                    for byte in place..<min(count, place + 8) { out[byte] = word[byte - place] }
                }
            }
        }
        let name = SHA256.hash(bytes)
        if contents.updateValue(bytes, forKey: name) == nil { names.append(name) }
        return (name, bytes)
    }

    private mutating func put(_ store: ChunkStore, _ record: inout RunRecorder) {
        let batch = (0...chance.below(4)).map { _ in drawChunk() }
        let failure = RunRecorder.failure { () throws(StorageError) in try store.put(batch.map(\.1)) }
        note(batch.map(\.0), failure, "put", &record)
    }

    private mutating func stage(_ store: ChunkStore, _ record: inout RunRecorder) {
        let batch = (0...chance.below(6)).map { _ in drawChunk() }
        var staged: [StagedChunk] = []
        let failure = RunRecorder.failure { () throws(StorageError) in
            for (_, bytes) in batch {
                staged.append(try bytes.withUnsafeBytes { buffer in Result { () throws(StorageError) in try store.stage(buffer) } }.get())
            }
        }
        if failure != nil { return note([], failure, "stage", &record) }
        // Some are never synced: whoever staged them has gone.
        guard chance.below(4) > 0 else { return record.line("staged \(batch.count)", batch.count) }
        var error: StorageError?
        for item in staged where error == nil {
            error = RunRecorder.failure { () throws(StorageError) in try store.sync(through: item.ticket) }
        }
        note(batch.map(\.0), error, "sync", &record)
    }

    private mutating func note(_ batch: [ChunkID], _ failure: StorageError?, _ what: String, _ record: inout RunRecorder) {
        record.line("\(what) of \(batch.count)\(failure.map { " fails: \($0)" } ?? "")", batch.count)
        guard let failure else {
            held.formUnion(batch)
            return
        }
        if !isExcused(failure) { record.violate("\(what): \(failure)") }
    }

    private mutating func delete(_ store: ChunkStore, _ record: inout RunRecorder) {
        guard !names.isEmpty else { return }
        let gone = (0...chance.below(3)).map { _ in names[chance.below(names.count)] }
        // Whatever comes of it, they may be gone, and after a crash they may be back.
        held.subtract(gone)
        let failure = RunRecorder.failure { () throws(StorageError) in try store.delete(gone) }
        note([], failure, "delete", &record)
    }

    private mutating func read(_ store: ChunkStore, _ record: inout RunRecorder) {
        guard !names.isEmpty else { return }
        let name = names[chance.below(names.count)]
        record.line("read", 14)
        check(name, store, &record)
    }

    private mutating func compact(_ store: ChunkStore, _ record: inout RunRecorder) {
        let budget = [1, 3_000, 1 << 20][chance.below(3)]
        let failure = RunRecorder.failure { () throws(StorageError) in _ = try store.compact(budget: budget) }
        note([], failure, "compaction", &record)
    }

    private mutating func scrub(_ store: ChunkStore, _ record: inout RunRecorder) {
        let failure = RunRecorder.failure { () throws(StorageError) in _ = try store.scrub(budget: 20_000) }
        note([], failure, "scrub", &record)
    }

    private mutating func decay(_ record: inout RunRecorder) {
        guard let packs = try? disk.names(Self.directory + "/packs"), !packs.isEmpty else { return }
        let path = Self.directory + "/packs/" + packs[chance.below(packs.count)]
        guard let bytes = disk.content(path), !bytes.isEmpty else { return }
        let offset = chance.below(bytes.count)
        disk.rot(path, at: UInt64(offset))
        losses += 1
        record.line("decay of \(path) at \(offset)", offset)
    }
}
