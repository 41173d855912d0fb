import Chunks
import Primitives

extension ChunkStore {
    static func indexPath(_ directory: String) -> String { directory + "/index.sqlite" }

    /// Reads `store.json`, or writes it where the directory is new.
    static func openIdentity(_ directory: String, system: any FileSystem) throws(StorageError) -> (high: UInt64, low: UInt64) {
        let path = directory + "/store.json"
        guard system.exists(path) else {
            guard try system.names(directory + "/packs").isEmpty else {
                throw .corrupt(path: path, offset: 0, what: "it is missing, but there are packs")
            }
            let id = ClusterID.random()
            let json = FlatJSON([("format", .number(format)), ("store", .text(id.description))])
            try system.replace(path, with: json.bytes)
            return (id.high, id.low)
        }
        // Its maker may have been killed, or have failed, before the name was durable.
        try system.syncDirectory(directory)
        let bytes = try system.file(path, .read).read(at: 0, count: 4_096)
        guard let json = FlatJSON(bytes), let found = json.number("format") else {
            throw .corrupt(path: path, offset: 0, what: "it does not describe a chunk store")
        }
        guard found <= format else { throw .newerFormat(path: directory, found: found, supported: format) }
        guard let id = json.text("store").flatMap({ ClusterID($0) }) else {
            throw .corrupt(path: path, offset: 0, what: "it has no store id")
        }
        return (id.high, id.low)
    }

    /// Opens the index; one that is destroyed, or belongs to another store, is thrown away and rebuilt from the packs.
    static func openIndex(
        _ directory: String, identity: (high: UInt64, low: UInt64), findings: inout [StorageFinding], system: any FileSystem
    ) throws(StorageError) -> ChunkIndex {
        let path = indexPath(directory)
        let suspect = suspectPath(directory)
        func rebuild(_ why: String) throws(StorageError) -> ChunkIndex {
            findings.append(StorageFinding(path: path, offset: 0, what: "\(why); rebuilt from the packs"))
            try removeIndex(directory, system: system)
            let index = try ChunkIndex(path, system: system)
            _ = try index.bind(storeHigh: identity.high, storeLow: identity.low)
            try system.remove(suspect)
            try system.syncDirectory(directory)
            return index
        }
        guard !system.exists(suspect) else { return try rebuild("a call of the index failed on its disk") }
        do throws(StorageError) {
            let index = try ChunkIndex(path, system: system)
            if try index.bind(storeHigh: identity.high, storeLow: identity.low) { return index }
        } catch {
            guard SQLiteDatabase.meansDestroyed(error) else { throw error }
            return try rebuild("the index is destroyed")
        }
        return try rebuild("the index belongs to another store")
    }

    /// Its presence says that the index must not be believed. A call that failed on the disk, of a sync above all, may leave
    /// a database that looks sound and lacks pages; deletions that are forgotten with it are made again by the next sweep.
    static func suspectPath(_ directory: String) -> String { directory + "/index.suspect" }

    func watchIndex() {
        index.database.onDamage = { [system, directory] in try? system.replace(Self.suspectPath(directory), with: []) }
    }

    /// Throws an index away that turned out to be destroyed, and makes it anew.
    func rebuildIndex() throws(StorageError) {
        try system.replace(Self.suspectPath(directory), with: [])
        index.database.abandon()
        index = try Self.openIndex(directory, identity: identity, findings: &openFindings, system: system)
    }

    static func removeIndex(_ directory: String, system: any FileSystem) throws(StorageError) {
        for suffix in ["", "-wal", "-shm"] { try system.remove(indexPath(directory) + suffix) }
    }

    /// Brings index and packs together after whatever ended the last run.
    func recover() throws(StorageError) {
        // The names of packs that were made just before the last process was killed count from here on.
        try system.syncDirectory(directory + "/packs")
        var numbers = try files.numbers()
        let rows = try index.packs()
        for row in rows where !numbers.contains(row.number) {
            let lost = try index.drop(pack: row.number, scanningRows: row.liveChunks > 0)
            guard lost > 0 else { continue }
            note(files.path(row.number), 0, "the pack is missing with \(lost) chunks")
        }
        nextPack = (max(numbers.last ?? 0, rows.last?.number ?? 0)) + 1
        // A pack shorter than its header was being made; nothing in it was acknowledged.
        while let last = numbers.last, let file = try files.reader(last), try file.size() < UInt64(PackHeader.size) {
            try files.remove(last)
            numbers.removeLast()
        }
        for number in numbers {
            let row = rows.first { $0.number == number }
            try recover(pack: number, row: row, isLast: number == numbers.last)
        }
    }

    private func note(_ path: String, _ offset: UInt64, _ what: String) {
        openFindings.append(StorageFinding(path: path, offset: offset, what: what))
    }

    private func recover(pack number: UInt64, row: PackRow?, isLast: Bool) throws(StorageError) {
        guard let file = try files.reader(number) else { return }
        let size = try file.size()
        if let row, row.isSealed, row.length == size { return }
        try checkHeader(file, number)
        if let row, row.length > size {
            // The rows behind the end are found out, one by one, when they are read.
            note(file.path, size, "the pack ends here, the index covers \(row.length) bytes")
            return try index.seal(number, length: size)
        }
        let covered = row?.length ?? 0
        if covered <= UInt64(PackHeader.size), let entries = try PackScanner.footerEntries(file) {
            try index.add(entries.map { ($0.id, ChunkLocation(pack: number, entry: $0)) }, replacing: true)
            return try index.seal(number, length: size)
        }
        if isLast, size > covered { try? settle(number, from: covered, through: size) }
        let scan = try scan(file, number, from: covered, isLast: isLast)
        // A pack with lost bytes in it gets no footer, which would list what is not sound any more.
        if scan.isSealed || !isLast || scan.isDamaged {
            try index.seal(number, length: size)
        } else {
            try resume(number, tail: scan.tail, size: size, covered: covered, scanned: scan.entries)
        }
    }

    /// What a scan finds may be in the system's memory only, and will be acknowledged as present. It is written again,
    /// not only synced: after a sync that failed the system may take pages for written that are not.
    private func settle(_ number: UInt64, from start: UInt64, through end: UInt64) throws(StorageError) {
        let file = try files.writer(number)
        var offset = start
        while offset < end {
            let bytes = try file.read(at: offset, count: Int(min(end - offset, 1 << 20)))
            guard !bytes.isEmpty else { break }
            try file.write(bytes, at: offset)
            offset += UInt64(bytes.count)
        }
        try file.sync()
    }

    /// Adds the sound frames behind an offset to the index, and notes what is lost between them.
    private func scan(
        _ file: File, _ number: UInt64, from covered: UInt64, isLast: Bool
    ) throws(StorageError) -> (tail: UInt64, isSealed: Bool, isDamaged: Bool, entries: [PackEntry]) {
        var scanner = try PackScanner(file, from: covered, depth: .checksums)
        var entries: [PackEntry] = []
        var tail = max(covered, UInt64(PackHeader.size))
        var isSealed = false
        var isDamaged = false
        while let item = try scanner.next() {
            switch item {
            case .frame(let entry):
                entries.append(entry)
                tail = entry.offset + UInt64(entry.frameSize)
            case .damaged(let offset, let length, let problem, let entry):
                let name = entry.map { ", chunk \($0.id.hex)" } ?? ""
                note(file.path, offset, "\(length) bytes lost: \(problem)\(name)")
                tail = offset + length
                isDamaged = true
            case .footer: isSealed = true
            case .torn(let offset, let problem):
                if !isLast { note(file.path, offset, "the rest of the pack is lost: \(problem)") }
            }
        }
        // Where a chunk was put again because its first copy had decayed, and the index has forgotten both, the row
        // still names the decayed one: the later frame is right.
        try index.add(entries.map { ($0.id, ChunkLocation(pack: number, entry: $0)) }, lengths: [number: tail], replacing: true)
        return (tail, isSealed, isDamaged, entries)
    }

    private func checkHeader(_ file: File, _ number: UInt64) throws(StorageError) {
        let bytes = try file.read(at: 0, count: PackHeader.size)
        do throws(PackProblem) {
            let header = try bytes.withBytes { buffer throws(PackProblem) in try PackHeader(buffer) }
            guard header.storeHigh == identity.high, header.storeLow == identity.low, header.number == number else {
                note(file.path, 0, "the pack's header names pack \(header.number) of another store")
                return
            }
        } catch {
            try PackFiles.refuseNewer(error, file.path)
            note(file.path, 0, "the pack's header is destroyed: \(error)")
        }
    }

    /// Cuts a torn tail and goes on appending to the last pack.
    private func resume(_ number: UInt64, tail: UInt64, size: UInt64, covered: UInt64, scanned: [PackEntry]) throws(StorageError) {
        guard tail < options.packSize else { return }
        do throws(StorageError) {
            let file = try files.writer(number)
            if size > tail { try file.truncate(to: tail) }
            var entries: [PackEntry] = []
            if covered > UInt64(PackHeader.size) {
                var scanner = try PackScanner(file, from: 0, depth: .headers)
                while let item = try scanner.next() {
                    if case .frame(let entry) = item, entry.offset < covered { entries.append(entry) }
                }
            }
            let pack = ActivePack(number: number, file: file, tail: (tail + 7) & ~7, entries: entries + scanned)
            active = pack
            syncingPack = pack
        } catch {
            // A disk that takes no writes still serves reads: go on with a new pack when it does.
            guard case .noSpace = error else { throw error }
        }
    }
}
