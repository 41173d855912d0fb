package import Primitives

extension NamespaceTree {
    /// The files that need one of these chunks, at most `limit` paths for each. Looks at every record.
    package func paths(naming chunks: Set<ChunkID>, limit: Int) -> [ChunkID: [[UInt8]]] {
        var found: [ChunkID: [[UInt8]]] = [:]
        var last: (chunk: ChunkID, inode: InodeID)?
        for (key, record) in records {
            guard case .extent(_, let chunk, _) = record, chunks.contains(chunk.id), found[chunk.id, default: []].count < limit,
                last?.chunk != chunk.id || last?.inode != key.inodeID, let path = path(of: key.inodeID)
            else { continue }
            last = (chunk.id, key.inodeID)
            found[chunk.id, default: []].append(path)
        }
        return found
    }
}
