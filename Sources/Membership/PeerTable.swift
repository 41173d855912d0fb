/// The peers in order of their ids. They are large, and lie in the order of their coming: one that comes between others
/// moves none of them. `SWIMState` bounds them (`membersMax`).
struct PeerTable: RandomAccessCollection, MutableCollection, Sendable {
    private var stored: [Peer] = []
    /// The place in `stored` of each peer, in order of id.
    private var order: [Int32] = []

    var startIndex: Int { 0 }
    var endIndex: Int { order.count }

    subscript(index: Int) -> Peer {
        _read { yield stored[Int(order[index])] }
        _modify { yield &stored[Int(order[index])] }
    }

    mutating func insert(_ peer: Peer, at index: Int) {
        order.insert(Int32(stored.count), at: index)
        stored.append(peer)
    }

    /// The last one takes the place of the one removed.
    mutating func remove(at index: Int) -> Peer {
        let place = Int(order.remove(at: index))
        let removed = stored[place]
        let last = stored.removeLast()
        guard place < stored.count else { return removed }
        stored[place] = last
        if let moved = order.firstIndex(of: Int32(stored.count)) { order[moved] = Int32(place) }
        return removed
    }
}
