internal import Filesystem

/// A call that waits for an answer.
package struct PendingCall: Sendable {
    /// Of the URL, with its query.
    package let path: String
    /// How long the node may take, or for one step of it where bytes flow.
    package let bound: Duration
    /// How long its answer is waited for; longer than `bound` by the way there and back.
    package let longest: Duration
    /// How long it is repeated after a refusal.
    package let repeatsFor: Duration
    /// Bytes go to the node meanwhile: silence says nothing.
    package let isUpload: Bool
}

/// Hears which calls wait for an answer, so that whoever waits can be told why. Called often: it must
/// return at once.
package protocol CallObserver: Sendable {
    /// Returns a number for `end`.
    func began(_ call: PendingCall) -> UInt64
    /// It was refused for now and is sent again after a pause; `cause` is why.
    func willRepeat(_ number: UInt64, cause: String)
    func ended(_ number: UInt64)
}

/// A call as an observer knows it, if there is one.
struct ObservedCall {
    let observer: (any CallObserver)?
    let number: UInt64

    func willRepeat(after failure: FileFailure) { observer?.willRepeat(number, cause: failure.cause) }
    func end() { observer?.ended(number) }
}

extension APIClient {
    func observe(_ call: Call) -> ObservedCall {
        guard let observer else { return ObservedCall(observer: nil, number: 0) }
        let bound = bound(of: call)
        let left = options.end.map { max(.zero, $0 - .now) }
        let pending = PendingCall(
            path: call.path, bound: bound, longest: left ?? bound + .seconds(5),
            repeatsFor: min(options.retryFor, left ?? options.retryFor),
            isUpload: call.deadline != nil)
        return ObservedCall(observer: observer, number: observer.began(pending))
    }
}
