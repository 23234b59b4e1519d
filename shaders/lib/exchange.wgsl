// Four lanes exchange values in pairs: of each lane's v, a lane gets that of lane l ^ d. On SwiftShader that is one
// instruction, where a broadcast is six and a shuffle twenty.
fn exchanged0(v: f32) -> f32 { return v; }
fn exchanged1(v: f32) -> f32 { return quadSwapX(v); }
fn exchanged2(v: f32) -> f32 { return quadSwapY(v); }
fn exchanged3(v: f32) -> f32 { return quadSwapDiagonal(v); }
