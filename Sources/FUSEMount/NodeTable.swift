import Filesystem
import Primitives

/// An entry of a directory, by the kernel's number of the directory.
struct Place: Hashable {
    let parent: UInt64
    let name: [UInt8]
}

/// An object that the kernel knows, by the mount's number of it (FUSE's nodeid). Numbers are never used again while the
/// mount lasts, so that one that the kernel has kept too long can not name another object.
struct Node {
    let number: UInt64
    let inode: InodeID
    /// How often the kernel was given it and has not forgotten it.
    var lookups: UInt64 = 0
    /// Entries by which the kernel knows it, the last one first met last. Bounded by `NodeTable.placesKept`.
    var places: [Place] = []
    /// Open files of it, and those of them that may write.
    var opens = 0
    var writers = 0
    /// The one handle through which all of them write: what one has written another reads.
    var writer: HandleID?
    /// Written through `writer` and not yet in the file.
    var pending: PendingWrites?
    /// What the kernel's pages hold is the file as of this change; nil where that is not known.
    var cachedChange: UInt64?
    /// The change of the attributes that the kernel was given last.
    var toldChange: UInt64?
    /// The directory and the name under which a file that was removed while it is open lives on.
    var hidden: (directory: InodeID, name: [UInt8])?

    init(number: UInt64, inode: InodeID) {
        self.number = number
        self.inode = inode
    }
}

/// What attributes do not tell yet.
struct PendingWrites {
    /// The end of the furthest one.
    var end: UInt64
    var time: WallTime
    /// Counts them: a flush that is over ends what it began with only if none has come since.
    var count: UInt64
}

/// The objects that the kernel knows: as many as it keeps, which its own memory bounds.
struct NodeTable {
    static let root: UInt64 = 1
    static let placesKept = 16

    private(set) var nodes: [UInt64: Node] = [:]
    private var numbers: [InodeID: UInt64] = [:]
    private var places: [Place: UInt64] = [:]
    private var next: UInt64 = 2

    init(root: InodeID) {
        var node = Node(number: Self.root, inode: root)
        node.lookups = 1
        nodes[Self.root] = node
        numbers[root] = Self.root
    }

    subscript(number: UInt64) -> Node? { nodes[number] }

    @discardableResult
    mutating func update<Result>(_ number: UInt64, _ body: (inout Node) -> Result) -> Result? {
        guard nodes[number] != nil else { return nil }
        return body(&nodes[number]!)
    }

    func number(of inode: InodeID) -> UInt64? { numbers[inode] }
    func number(at place: Place) -> UInt64? { places[place] }

    /// The names on the way from the root; nil where one is not known.
    func names(_ number: UInt64) -> [[UInt8]]? {
        var names: [[UInt8]] = []
        var current = number
        while current != Self.root {
            // As deep as a path can be.
            guard names.count < 2_048, let place = nodes[current]?.places.last else { return nil }
            names.append(place.name)
            current = place.parent
        }
        return names.reversed()
    }

    /// The kernel is given the object once more.
    mutating func give(_ inode: InodeID, at place: Place?) -> UInt64 {
        let number: UInt64
        if let known = numbers[inode] {
            number = known
        } else {
            number = next
            next += 1
            nodes[number] = Node(number: number, inode: inode)
            numbers[inode] = number
        }
        nodes[number]!.lookups += 1
        if let place { move(number, to: place) }
        return number
    }

    mutating func move(_ number: UInt64, to place: Place) {
        if places[place] == number { return }
        drop(place)
        places[place] = number
        nodes[number]?.places.append(place)
        if let count = nodes[number]?.places.count, count > Self.placesKept {
            let oldest = nodes[number]!.places.removeFirst()
            places[oldest] = nil
        }
    }

    /// The name is gone, or names something else.
    mutating func drop(_ place: Place) {
        guard let number = places.removeValue(forKey: place) else { return }
        nodes[number]?.places.removeAll { $0 == place }
    }

    mutating func forget(_ number: UInt64, _ count: UInt64) {
        guard number != Self.root, let node = nodes[number] else { return }
        nodes[number]!.lookups = node.lookups - min(count, node.lookups)
        endIfUnused(number)
    }

    mutating func endIfUnused(_ number: UInt64) {
        guard number != Self.root, let node = nodes[number], node.lookups == 0, node.opens == 0 else { return }
        for place in node.places { places[place] = nil }
        nodes[number] = nil
        if numbers[node.inode] == number { numbers[node.inode] = nil }
    }
}
