import Primitives

/// A key whose order and hash are plain to see.
struct TestKey: SortedMapKey, XDRCodable, Hashable {
    let value: UInt32
    init(_ value: UInt32) { self.value = value }
    static func < (a: TestKey, b: TestKey) -> Bool { a.value < b.value }
    func feed(_ hasher: inout KeyHasher) { hasher.combine(UInt64(value)) }
    func encode(to writer: inout XDRWriter) { writer.write(value) }
    init(from reader: inout XDRReader) throws(XDRError) { value = try reader.uint32() }
}

/// A value of which one part counts for the digest and one does not.
struct TestValue: SortedMapValue, Hashable {
    var content: UInt32
    var history: UInt32 = 0
    init(_ content: UInt32, history: UInt32 = 0) {
        self.content = content
        self.history = history
    }
    func encode(to writer: inout XDRWriter) {
        writer.write(content)
        writer.write(history)
    }
    func encodeForDigest(to writer: inout XDRWriter) { writer.write(content) }
    func volatileHash(salt: UInt64) -> UInt64 { UInt64(history) }
    init(from reader: inout XDRReader) throws(XDRError) { self.init(try reader.uint32(), history: try reader.uint32()) }
}

typealias TestMap = SortedMap<TestKey, TestValue>

/// The same by a sorted array and nothing clever.
struct ModelMap {
    var entries: [(key: UInt32, value: TestValue)] = []

    func index(_ key: UInt32) -> Int { entries.firstIndex { $0.key >= key } ?? entries.count }

    subscript(_ key: UInt32) -> TestValue? {
        let index = index(key)
        return index < entries.count && entries[index].key == key ? entries[index].value : nil
    }

    mutating func set(_ key: UInt32, _ value: TestValue) -> TestValue? {
        let index = index(key)
        if index < entries.count, entries[index].key == key {
            defer { entries[index].value = value }
            return entries[index].value
        }
        entries.insert((key, value), at: index)
        return nil
    }

    mutating func remove(_ key: UInt32) -> TestValue? {
        let index = index(key)
        guard index < entries.count, entries[index].key == key else { return nil }
        return entries.remove(at: index).value
    }

    mutating func removeRange(_ range: Range<UInt32>) -> Int {
        let before = entries.count
        entries.removeAll { range.contains($0.key) }
        return before - entries.count
    }

    func isEqual(to map: TestMap) -> Bool {
        map.count == entries.count && zip(map, entries).allSatisfy { $0.key.value == $1.key && $0.value == $1.value }
    }
}

/// The pages of a map as text: every boundary shows.
func shape(_ page: TestMap.Page) -> String {
    page.height == 0
        ? "(" + page.keys.map { "\($0.value)" }.joined(separator: " ") + ")"
        : "[" + page.children.map { shape($0) }.joined(separator: " ") + "]"
}
