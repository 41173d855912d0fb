import Chunks
import Primitives

extension ChunkIndex {
    /// Changes of a pack's counts, gathered within a transaction.
    private struct Delta {
        var length: UInt64 = 0
        var bytes = 0
        var chunks = 0
        var raw = 0
        mutating func add(_ location: ChunkLocation, sign: Int) {
            bytes += sign * location.frameSize
            chunks += sign
            raw += sign * Int(location.rawLength)
        }
    }

    private func apply(_ deltas: [UInt64: Delta]) throws(StorageError) {
        for (number, delta) in deltas {
            count.bind(1, number)
            count.bind(2, delta.length)
            count.bind(3, delta.bytes)
            count.bind(4, delta.chunks)
            count.bind(5, delta.raw)
            try count.run()
        }
    }

    /// Adds rows; a chunk that has one already keeps it, and the new frame is dead, or (`replacing`) takes the new one.
    /// Each pack's covered length moves to the end of the last row given here, or to `lengths`.
    func add(
        _ rows: [(id: ChunkID, location: ChunkLocation)], lengths: [UInt64: UInt64] = [:], replacing: Bool = false
    ) throws(StorageError) {
        monitor.lock()
        defer { monitor.unlock() }
        try database.transaction { () throws(StorageError) in
            var deltas: [UInt64: Delta] = [:]
            for (number, length) in lengths { deltas[number, default: Delta()].length = length }
            for (id, location) in rows {
                if replacing, let old = try removeRow(id) { deltas[old.pack, default: Delta()].add(old, sign: -1) }
                insert.bind(1, id)
                insert.bind(2, location.pack)
                insert.bind(3, location.offset)
                insert.bind(4, Int(location.storedLength))
                insert.bind(5, Int(location.rawLength))
                insert.bind(6, Int(location.codec.rawValue))
                try insert.run()
                let isNew = database.changes == 1
                deltas[location.pack, default: Delta()].length = max(deltas[location.pack]?.length ?? 0, location.end)
                guard isNew else { continue }
                deltas[location.pack]?.add(location, sign: 1)
                release.bind(1, id)
                try release.run()
            }
            try apply(deltas)
        }
    }

    /// Removes rows; the locations of those that were there.
    func delete(_ ids: [ChunkID]) throws(StorageError) -> [ChunkLocation] {
        monitor.lock()
        defer { monitor.unlock() }
        return try database.transaction { () throws(StorageError) in
            var removed: [ChunkLocation] = []
            var deltas: [UInt64: Delta] = [:]
            for id in ids {
                if let location = try removeRow(id) {
                    deltas[location.pack, default: Delta()].add(location, sign: -1)
                    removed.append(location)
                }
                release.bind(1, id)
                try release.run()
            }
            try apply(deltas)
            return removed
        }
    }

    private func removeRow(_ id: ChunkID) throws(StorageError) -> ChunkLocation? {
        remove.bind(1, id)
        defer { remove.reset() }
        guard try remove.step() else { return nil }
        let location = location(remove)
        _ = try remove.step()
        return location
    }

    /// Sets a decayed chunk apart, where its row still names this place.
    func quarantine(_ id: ChunkID, at place: ChunkLocation) throws(StorageError) {
        monitor.lock()
        defer { monitor.unlock() }
        try database.transaction { () throws(StorageError) in
            select.bind(1, id)
            let isThere = try select.step() && location(select).isSame(as: place)
            select.reset()
            guard isThere, let location = try removeRow(id) else { return }
            isolate.bind(1, id)
            isolate.bind(2, location.pack)
            isolate.bind(3, location.offset)
            try isolate.run()
            var delta = Delta()
            delta.add(location, sign: -1)
            try apply([location.pack: delta])
        }
    }

    /// Moves rows to the new copies of their frames, except those that were deleted or moved meanwhile.
    func relocate(_ moves: [(id: ChunkID, from: ChunkLocation, to: ChunkLocation)]) throws(StorageError) {
        monitor.lock()
        defer { monitor.unlock() }
        try database.transaction { () throws(StorageError) in
            var deltas: [UInt64: Delta] = [:]
            for (id, from, to) in moves {
                move.bind(1, id)
                move.bind(2, to.pack)
                move.bind(3, to.offset)
                move.bind(4, from.pack)
                move.bind(5, from.offset)
                try move.run()
                guard database.changes == 1 else { continue }
                deltas[from.pack, default: Delta()].add(from, sign: -1)
                deltas[to.pack, default: Delta()].add(to, sign: 1)
            }
            try apply(deltas)
        }
    }

    func seal(_ pack: UInt64, length: UInt64) throws(StorageError) {
        monitor.lock()
        defer { monitor.unlock() }
        try database.execute("UPDATE packs SET sealed = 1, length = \(length) WHERE number = \(pack)")
    }

    /// Forgets a pack with all its rows; the count of chunks that went with it.
    func drop(pack: UInt64, scanningRows: Bool) throws(StorageError) -> Int {
        monitor.lock()
        defer { monitor.unlock() }
        return try database.transaction { () throws(StorageError) in
            var lost = 0
            if scanningRows {
                try database.execute("DELETE FROM chunks WHERE pack = \(pack)")
                lost = database.changes
            }
            try database.execute("DELETE FROM packs WHERE number = \(pack)")
            return lost
        }
    }

    /// Makes everything so far durable.
    func checkpoint() throws(StorageError) {
        monitor.lock()
        defer { monitor.unlock() }
        try database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    }
}
