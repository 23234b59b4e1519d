/** A row in each form that others publish: a fox in picture b, of 200 × 100, at the fractions 0.1, 0.2, 0.5, 0.6. */
export const PUBLISHED = {
  'ms-swift 2 query and response': {
    query: 'Find <ref-object>',
    response: '<bbox>',
    images: ['images/b.png'],
    objects: JSON.stringify([{ caption: 'fox', bbox: [[100, 200, 500, 600]], bbox_type: 'norm_1000', image: 0 }]),
  },
  'prefix and suffix': {
    image: 'images/b.png',
    prefix: '<OD>',
    suffix: 'fox<loc_100><loc_200><loc_500><loc_600>',
  },
  'LLaMA-Factory Alpaca': {
    instruction: 'Find the fox.',
    input: '<image>',
    output: '{"bbox_2d": [0.1, 0.2, 0.5, 0.6], "label": "fox"}',
    images: ['images/b.png'],
  },
  'RefCOCO of MiniGPT-4': {
    img_id: 'COCO_train2014_000000000007_0',
    sents: ['fox', 'the red one'],
    bbox: [20, 20, 80, 40],
    height: 100,
    width: 200,
  },
  'Rex-Thinker annotations': {
    image_name: 'b.png',
    image_id: 7,
    referring: 'fox',
    category: 'animal',
    ans: [[20, 20, 100, 60]],
    candidate_boxes: [{ bbox: [20, 20, 100, 60], category: 'animal' }],
  },
  ScreenSpot: {
    img_filename: 'b.png',
    bbox: [0.1, 0.2, 0.5, 0.6],
    instruction: 'open the fox',
    data_type: 'icon',
    data_source: 'windows',
  },
  'Label Studio': {
    id: 7,
    data: { image: '/data/upload/3/0a1b2c3d-b.png' },
    annotations: [
      {
        result: [
          {
            type: 'rectanglelabels',
            original_width: 200,
            original_height: 100,
            value: { x: 10, y: 20, width: 40, height: 40, rotation: 0, rectanglelabels: ['fox'] },
          },
        ],
      },
    ],
  },
  'Label Studio JSON-MIN': {
    id: 7,
    image: '/data/local-files/?d=images/b.png',
    label: [
      { x: 10, y: 20, width: 40, height: 40, rectanglelabels: ['fox'], original_width: 200, original_height: 100 },
    ],
  },
  labelme: {
    version: '5.4',
    shapes: [
      {
        label: 'fox',
        shape_type: 'rectangle',
        points: [
          [100, 60],
          [20, 20],
        ],
      },
    ],
    imagePath: '..\\images\\b.png',
    imageWidth: 200,
    imageHeight: 100,
  },
  CreateML: {
    image: 'b.png',
    annotations: [{ label: 'fox', coordinates: { x: 60, y: 40, width: 80, height: 40 } }],
  },
  VoTT: {
    asset: { name: 'b.png', path: 'file:C:/x/b.png', size: { width: 200, height: 100 } },
    regions: [{ tags: ['fox'], type: 'RECTANGLE', boundingBox: { left: 20, top: 20, width: 80, height: 40 } }],
  },
  'Hub object detection': {
    image_id: 7,
    file_name: 'b.png',
    objects: { bbox: [[0.1, 0.2, 0.5, 0.6]], category: ['fox'] },
  },
} as const;
