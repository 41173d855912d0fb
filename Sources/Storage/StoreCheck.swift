import Chunks
package import Primitives

/// What a check of a chunk store found.
package struct StoreCheckResult: Hashable, Sendable {
    package var packs = 0
    /// Sound frames, copies included.
    package var frames = 0
    package var bytes: UInt64 = 0
    package var indexedChunks = 0
    /// Sound chunks without a row: deleted ones, or ones that a crash left for the next open to add.
    package var unindexedChunks = 0
    /// What is wrong; after a repair, what is left of it.
    package var findings: [StorageFinding] = []
    /// Chunks that the index names and no pack has sound.
    package var lostChunks: [ChunkID] = []
    package var wasRepaired = false
    /// Bytes of an append that was never finished, which a repair cut off.
    package var cutBytes: UInt64 = 0
    package var isSound: Bool { findings.isEmpty }
    package init() {}
}

/// Verifies a chunk store that nobody has open: every frame is read and hashed, then held against the
/// index. `repair` rebuilds the index from the sound frames and cuts torn tails; deleted chunks come back to
/// life by that, until the next garbage collection. What a newer program has written is no damage: the check
/// throws `.newerFormat` then, before it changes anything.
package struct StoreCheck {
    /// Bytes done and bytes in all; called a few times a second at most.
    package typealias Progress = (_ done: UInt64, _ total: UInt64) -> Void

    private let directory: String
    private let system: any FileSystem
    private let files: PackFiles
    private let lock: any DirectoryHold
    private let identity: (high: UInt64, low: UInt64)
    private let compressor = Compressor(level: 1)
    private var result = StoreCheckResult()
    /// Every place where a chunk lies sound; the first is as good as any other.
    private var sound: [ChunkID: [ChunkLocation]] = [:]
    private var tails: [UInt64: UInt64] = [:]
    /// Where the last pack's unfinished append begins.
    private var torn: (pack: UInt64, offset: UInt64)?

    package static func run(
        _ directory: String, repair: Bool = false, system: any FileSystem = .posix, progress: Progress = { _, _ in }
    ) throws(StorageError) -> StoreCheckResult {
        guard system.exists(directory + "/store.json") else {
            throw .corrupt(path: directory + "/store.json", offset: 0, what: "there is no chunk store here")
        }
        var check = try StoreCheck(directory, system: system)
        try check.readPacks(progress)
        if repair {
            try check.rebuildIndex()
        } else {
            try check.compareIndex()
        }
        return check.result
    }

    /// The chunks that lie here sound, every one read and hashed; the index is not looked at, nothing is changed.
    package static func soundChunks(
        _ directory: String, progress: Progress = { _, _ in }
    ) throws(StorageError) -> (chunks: Set<ChunkID>, findings: [StorageFinding]) {
        guard POSIXFileSystem().exists(directory + "/store.json") else {
            throw .corrupt(path: directory + "/store.json", offset: 0, what: "there is no chunk store here")
        }
        var check = try StoreCheck(directory, system: POSIXFileSystem())
        try check.readPacks(progress)
        return (Set(check.sound.keys), check.result.findings)
    }

    private init(_ directory: String, system: any FileSystem) throws(StorageError) {
        self.directory = directory
        self.system = system
        files = PackFiles(directory + "/packs", system: system)
        lock = try system.lock(directory)
        identity = try ChunkStore.openIdentity(directory, system: system)
    }

    private mutating func find(_ path: String, _ offset: UInt64, _ what: String) {
        // A destroyed disk must not exhaust the memory too.
        if result.findings.count < 10_000 { result.findings.append(StorageFinding(path: path, offset: offset, what: what)) }
    }

    private mutating func readPacks(_ progress: Progress) throws(StorageError) {
        let numbers = try files.numbers()
        var total: UInt64 = 0
        for number in numbers { total += try files.reader(number)?.size() ?? 0 }
        var done: UInt64 = 0
        for number in numbers {
            guard let file = try files.reader(number) else { continue }
            result.packs += 1
            try readPack(file, number, isLast: number == numbers.last) { progress(done + $0, total) }
            done += try file.size()
            progress(done, total)
        }
    }

    private mutating func readPack(_ file: File, _ number: UInt64, isLast: Bool, progress: (UInt64) -> Void) throws(StorageError) {
        let header = try file.read(at: 0, count: PackHeader.size)
        do throws(PackProblem) {
            let header = try header.withBytes { buffer throws(PackProblem) in try PackHeader(buffer) }
            if header.number != number || header.storeHigh != identity.high || header.storeLow != identity.low {
                find(file.path, 0, "the pack's header names pack \(header.number) of another store")
            }
        } catch {
            try PackFiles.refuseNewer(error, file.path)
            find(file.path, 0, "the pack's header: \(error)")
        }
        var scanner = try PackScanner(file, from: 0, depth: .checksums)
        var entries: [PackEntry] = []
        var reported: UInt64 = 0
        while let item = try scanner.next() {
            switch item {
            case .frame(let entry):
                entries.append(entry)
                try verify(entry, in: file, number)
                if entry.offset - reported >= 16 << 20 {
                    reported = entry.offset
                    progress(reported)
                }
            case .damaged(let offset, let length, let problem, let entry):
                let name = entry.map { ", chunk \($0.id.hex)" } ?? ""
                find(file.path, offset, "\(length) bytes lost: \(problem)\(name)")
            case .footer(let offset): try verifyFooter(file, at: offset, entries)
            case .torn(let offset, let problem):
                find(file.path, offset, isLast ? "an append that was not finished: \(problem)" : "the rest of the pack is lost: \(problem)")
                if isLast { torn = (number, offset) }
            }
        }
        let end = entries.last.map { $0.offset + UInt64($0.frameSize) } ?? UInt64(PackHeader.size)
        tails[number] = end
    }

    private mutating func verify(_ entry: PackEntry, in file: File, _ number: UInt64) throws(StorageError) {
        let stored = try file.read(at: entry.offset + UInt64(ChunkFrame.headerSize), count: Int(entry.storedLength))
        var raw = stored
        if entry.codec == .zstd {
            raw = [UInt8](repeating: 0, count: Int(entry.rawLength))
            let isSound = stored.withUnsafeBytes { stored in raw.withUnsafeMutableBytes { compressor.decompress(stored, into: $0) } }
            guard isSound else { return find(file.path, entry.offset, "chunk \(entry.id.hex) does not decompress") }
        }
        guard SHA256.hash(raw) == entry.id else { return find(file.path, entry.offset, "chunk \(entry.id.hex) does not match its name") }
        result.frames += 1
        result.bytes += UInt64(entry.frameSize)
        sound[entry.id, default: []].append(ChunkLocation(pack: number, entry: entry))
    }

    private mutating func verifyFooter(_ file: File, at offset: UInt64, _ entries: [PackEntry]) throws(StorageError) {
        let bytes = try file.read(at: offset, count: Int(try file.size() - offset))
        do throws(PackProblem) {
            let listed = try bytes.withBytes { buffer throws(PackProblem) in try PackFooter.entries(buffer, at: offset) }
            if listed.count < entries.count { find(file.path, offset, "the footer lists \(listed.count) of \(entries.count) frames") }
        } catch {
            try PackFiles.refuseNewer(error, file.path)
            find(file.path, offset, "the footer: \(error)")
        }
    }

    private mutating func compareIndex() throws(StorageError) {
        let path = ChunkStore.indexPath(directory)
        guard system.exists(path) else { return find(path, 0, "the index is missing; the next start rebuilds it") }
        do throws(StorageError) {
            let index = try ChunkIndex(path, system: system)
            if let problem = try index.integrityProblem() { find(path, 0, problem) }
            var after: ChunkID?
            while true {
                let rows = try index.rows(after: after, limit: 1_000)
                guard !rows.isEmpty else { break }
                for (id, location) in rows {
                    result.indexedChunks += 1
                    let places = sound[id] ?? []
                    if !places.contains(location) {
                        find(files.path(location.pack), location.offset, "the index names chunk \(id.hex) here, it is not")
                    }
                    if places.isEmpty { result.lostChunks.append(id) }
                }
                after = rows[rows.count - 1].id
            }
            result.unindexedChunks = max(0, sound.count - result.indexedChunks)
        } catch {
            guard case .index = error else { throw error }
            find(path, 0, "the index: \(error)")
        }
    }

    private mutating func rebuildIndex() throws(StorageError) {
        try noteLost()
        try cutTail()
        try ChunkStore.removeIndex(directory, system: system)
        let index = try ChunkIndex(ChunkStore.indexPath(directory), system: system)
        _ = try index.bind(storeHigh: identity.high, storeLow: identity.low)
        try index.add(sound.map { ($0.key, $0.value[0]) }, lengths: tails)
        try index.checkpoint()
        result.indexedChunks = sound.count
        result.wasRepaired = true
    }

    /// What only the index still knows of; one that can not be read tells nothing, and one of a newer program is left.
    private mutating func noteLost() throws(StorageError) {
        let path = ChunkStore.indexPath(directory)
        guard system.exists(path) else { return }
        do throws(StorageError) {
            let index = try ChunkIndex(path, system: system)
            var after: ChunkID?
            while true {
                let rows = try index.rows(after: after, limit: 1_000)
                guard !rows.isEmpty else { return }
                result.lostChunks += rows.filter { sound[$0.0] == nil }.map(\.0)
                after = rows[rows.count - 1].id
            }
        } catch {
            guard case .index = error else { throw error }
        }
    }

    /// As the next open would: nothing of an append that was not finished has been acknowledged.
    private mutating func cutTail() throws(StorageError) {
        guard let torn else { return }
        let file = try files.writer(torn.pack)
        result.cutBytes = try file.size() - torn.offset
        try file.truncate(to: torn.offset)
        try file.sync()
        result.findings.removeAll { $0.path == file.path && $0.offset == torn.offset }
    }
}
