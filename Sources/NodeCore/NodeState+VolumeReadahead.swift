import Filesystem
import Namespace
import Primitives
import Replication

// What a reader will read next is brought before it asks: chunks that lie on another node of the region cost
// it no hop each, those of another region no round trip each.

extension NodeState {
    /// Rounds of readahead under way at a node; beyond that readers fetch for themselves.
    private static let readaheadsLimit = 64

    mutating func readAhead(
        _ id: HandleID, _ inode: InodeID, offset: UInt64, length: UInt32, _ session: SessionContext, into effects: inout [Effect]
    ) {
        guard let version = sessions[session.id]?.volume?.version else { return }
        let limit = regionHas(version, of: session.group) ? SequentialReads.nearWindowLimit : SequentialReads.windowLimit
        guard let found = updateVolume(session.id, { $0.noteRead(id, offset: offset, length: UInt64(length), limit: limit) }),
            let range = found, readaheadsUnderWay < Self.readaheadsLimit, !requests.isFull, let volume = sessions[session.id]?.volume
        else { return }
        let tree = volume.handles[id]?.pinned ?? volume.view
        guard case .extents(let extents, _, _, _)? = try? tree.content(of: inode, offset: range.lowerBound, length: UInt32(range.count))
        else { return }
        var seen: Set<ChunkID> = []
        let chunks = extents.map(\.chunk).filter { seen.insert($0.id).inserted }
        guard !chunks.isEmpty else { return }
        readaheadsUnderWay += 1
        begin(.background(.readAhead(session.group, chunks)), deadline: now + .seconds(30), into: &effects)
    }

    mutating func performReadahead(_ group: GroupID, _ chunks: [ChunkReference], _ progress: inout RequestProgress) throws(Interrupt) {
        let value = try step(Step(.read), &progress) { node, token in node.laterEffects.append(.chunks(.audit(chunks, token))) }
        guard case .missing(let absent) = value else { return }
        let gone = Set(absent)
        let wanted = chunks.filter { gone.contains($0.id) }
        if !wanted.isEmpty { try fetch(wanted, of: group, number: 0, &progress) }
    }
}

extension VolumeSession {
    fileprivate mutating func noteRead(_ id: HandleID, offset: UInt64, length: UInt64, limit: UInt64) -> Range<UInt64>? {
        handles.update(id) { $0.reads.note(offset: offset, length: length, limit: limit) } ?? nil
    }
}
