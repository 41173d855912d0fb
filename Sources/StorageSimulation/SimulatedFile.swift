import Glibc
import Primitives

/// The bytes of a file: as programs see them (`cached`), and as a power failure would leave them (`durable`).
/// The disk writes sectors; of a sector that was not synced a crash leaves the old bytes, the new ones, or the new
/// ones up to a point.
final class FileBytes {
    static let sector = 512

    private(set) var cached: [UInt8] = []
    private(set) var durable: [UInt8] = []
    /// Sectors that the disk has yet to get; asked by number only.
    private var dirty: Set<Int> = []

    private func sectors(_ from: Int, _ to: Int) -> ClosedRange<Int>? {
        from < to ? (from / Self.sector)...((to - 1) / Self.sector) : nil
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        let end = offset + bytes.count
        guard end > offset else { return }
        // The bytes of a hole are new too: the disk may hold others there, of before a truncation.
        for number in sectors(min(offset, cached.count), end) ?? 0...0 { dirty.insert(number) }
        if cached.count < end { cached.append(contentsOf: [UInt8](repeating: 0, count: end - cached.count)) }
        cached.withUnsafeMutableBytes { UnsafeMutableRawBufferPointer(rebasing: $0[offset..<end]).copyMemory(from: bytes) }
    }

    func truncate(to length: Int) {
        if length < cached.count {
            cached.removeLast(cached.count - length)
        } else if length > cached.count {
            for number in sectors(cached.count, length) ?? 0...0 { dirty.insert(number) }
            cached.append(contentsOf: repeatElement(0, count: length - cached.count))
        }
    }

    /// Everything is on the disk.
    func sync() {
        for number in dirty.sorted() { copy(number, upTo: Self.sector) }
        dirty = []
        resize(to: cached.count)
    }

    /// The system writes some of it when it likes to.
    func writeSome(_ chance: inout SeededGenerator) {
        for number in dirty.sorted() where chance.below(2) == 0 {
            copy(number, upTo: Self.sector)
            dirty.remove(number)
        }
    }

    /// A sync that failed: some sectors reached the disk. The others count as written all the same, and are not tried
    /// again; programs may go on seeing them until memory is short.
    func failSync(_ chance: inout SeededGenerator) {
        let isForgotten = chance.below(2) == 0
        for number in dirty.sorted() {
            if chance.below(2) == 0 {
                copy(number, upTo: Self.sector)
            } else if isForgotten {
                let end = min(cached.count, (number + 1) * Self.sector)
                for place in stride(from: number * Self.sector, to: end, by: 1) {
                    cached[place] = place < durable.count ? durable[place] : 0
                }
            }
        }
        dirty = []
    }

    /// What is there when the power is back.
    func crash(_ chance: inout SeededGenerator) {
        let low = min(durable.count, cached.count)
        let span = max(durable.count, cached.count) - low
        let size: Int
        switch chance.below(3) {
        case 0: size = durable.count
        case 1: size = cached.count
        default: size = low + (span > 0 ? chance.below(span + 1) : 0)
        }
        for number in dirty.sorted() {
            switch chance.below(4) {
            case 0: break
            case 1: copy(number, upTo: chance.below(Self.sector))
            default: copy(number, upTo: Self.sector)
            }
        }
        dirty = []
        resize(to: size)
        cached = durable
    }

    /// One bit decays.
    func rot(_ offset: Int, bit: Int) {
        cached[offset] ^= 1 << UInt8(bit)
        if offset < durable.count { durable[offset] ^= 1 << UInt8(bit) }
    }

    // MARK: What is durable

    func hasDurable(_ bytes: [UInt8], at start: Int) -> Bool {
        start + bytes.count <= durable.count && durable[start..<start + bytes.count].elementsEqual(bytes)
    }

    /// Where these bytes are first; nil where they are not. Worlds ask often: only where their highest byte is, which is rare,
    /// the others are looked at.
    func durablePlace(of bytes: [UInt8]) -> Int? {
        guard let anchor = bytes.indices.max(by: { bytes[$0] < bytes[$1] }), durable.count >= bytes.count else { return nil }
        return durable.withUnsafeBytes { whole in
            bytes.withUnsafeBytes { part in
                guard let base = whole.baseAddress, let sought = part.baseAddress else { return nil }
                var place = anchor
                let last = whole.count - bytes.count + anchor
                while place <= last, let found = memchr(base + place, Int32(bytes[anchor]), last - place + 1) {
                    place = UnsafeRawPointer(found) - base
                    if memcmp(base + place - anchor, sought, bytes.count) == 0 { return place - anchor }
                    place += 1
                }
                return nil
            }
        }
    }

    private func copy(_ number: Int, upTo count: Int) {
        let start = number * Self.sector
        let end = min(cached.count, start + count)
        guard start < end else { return }
        if durable.count < end { resize(to: end) }
        durable.withUnsafeMutableBytes { target in
            cached.withUnsafeBytes { source in
                UnsafeMutableRawBufferPointer(rebasing: target[start..<end])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[start..<end]))
            }
        }
    }

    private func resize(to size: Int) {
        if durable.count > size {
            durable.removeLast(durable.count - size)
        } else if durable.count < size {
            durable.append(contentsOf: [UInt8](repeating: 0, count: size - durable.count))
        }
    }
}

/// A directory: names as programs see them, the changes that are not synced, and the names that a power failure leaves.
final class Folder {
    enum Entry {
        case file(FileBytes)
        case folder(Folder)
    }
    private enum Change {
        case set(String, Entry)
        case remove(String)
        case move(String, String, Entry)
    }

    private(set) var entries: [String: Entry] = [:]  // looked up and sorted only
    /// What a power failure leaves for sure.
    private(set) var durable: [String: Entry] = [:]  // looked up and sorted only
    private var changes: [Change] = []

    var names: [String] { entries.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) } }
    var children: [Entry] { names.compactMap { entries[$0] } }

    private func make(_ change: Change, in names: inout [String: Entry]) {
        switch change {
        case .set(let name, let entry): names[name] = entry
        case .remove(let name): names[name] = nil
        case .move(let from, let to, let entry):
            names[from] = nil
            names[to] = entry
        }
    }

    private func make(_ change: Change) {
        make(change, in: &entries)
        changes.append(change)
    }

    func set(_ name: String, _ entry: Entry) { make(.set(name, entry)) }
    func remove(_ name: String) { make(.remove(name)) }
    func move(_ from: String, to: String, _ entry: Entry) { make(.move(from, to, entry)) }

    func sync() {
        durable = entries
        changes = []
    }

    /// Journalling file systems keep changes from the front; others any of them.
    func crash(_ chance: inout SeededGenerator) {
        let count = chance.below(changes.count + 1)
        let isOrdered = chance.below(2) == 0
        for (place, change) in changes.enumerated() where isOrdered ? place < count : chance.below(2) == 0 { make(change, in: &durable) }
        changes = []
        entries = durable
        for child in children {
            switch child {
            case .file(let bytes): bytes.crash(&chance)
            case .folder(let folder): folder.crash(&chance)
            }
        }
    }
}
